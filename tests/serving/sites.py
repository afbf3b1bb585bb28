"""Sites for tests: rows of the four datasets as a publication holds them, and a client that follows links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.serving.service import Client

Row = dict[str, Any]
MONTH = "2026-11"


def kind(name: str, title_zh: str, title_en: str, **more: Any) -> Row:
    """A row of `site_kind`."""
    return {
        "period": MONTH, "kind": name, "title_zh": title_zh, "title_en": title_en, "feed": f"{name}.site", "sites": 0,
    } | more  # fmt: skip


def observed(kind: str, name: str, title_zh: str, title_en: str, measure: str | None, **more: Any) -> Row:
    """A row of `site_property`."""
    return {
        "period": MONTH, "kind": kind, "property": name, "title_zh": title_zh, "title_en": title_en,
        "measure": measure, "feed": f"{kind}.value", "fresh_hours": 24,
    } | more  # fmt: skip


def site(kind: str, number: str, unit: str | None, place: tuple[float, float] | None = None, **more: Any) -> Row:
    """A row of `site`; `place`: longitude and latitude."""
    lon, lat = place or (None, None)
    return {
        "period": MONTH, "kind": kind, "site": number, "name": f"{number} 号", "unit": unit, "lon": lon, "lat": lat,
        "operation": None, "observed_at": None, "state": None,
    } | more  # fmt: skip


def value(kind: str, number: str, name: str, unit: str | None, found: float | None, at: str | None, **more: Any) -> Row:
    """A row of `last_value`."""
    state = "missing" if found is None else "fresh"
    return {
        "period": MONTH, "kind": kind, "site": number, "property": name, "unit": unit, "value": found,
        "observed_at": at, "state": state,
    } | more  # fmt: skip


def of_month(month: str, tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The same rows for another month."""
    return {name: [row | {"period": month} for row in rows] for name, rows in tables.items()}


TENTH, TWENTIETH = "2026-11-10T08:00:00+08:00", "2026-11-20T23:59:59.500000+08:00"
# Five stations: one without a place, one without a value; two lamps without values at all; no bins.
TABLES: dict[str, list[Row]] = {
    "site_kind": [kind("air", "空气站", "Air stations"), kind("bin", "果皮箱", "Bins"), kind("lamp", "路灯", "Lamps")],
    "site_property": [
        observed("air", "noise", "噪声", "Noise", None),
        observed("air", "pm25", "细颗粒物", "PM2.5", "µg/m³"),
    ],
    "site": [
        site("air", "A1", "juji", (114.51, 34.5), observed_at=TENTH, state="fresh"),
        site("air", "A2", "juji", (114.123456789, 34.25), observed_at=TWENTIETH, state="fresh"),
        site("air", "A3", "wulihe", None, observed_at=TENTH, state="late", operation="维修"),
        site("air", "A4", "wulihe", (114.9, 34.9), state="missing"),
        site("air", "A5", None, (179.9, -17.0), observed_at=TWENTIETH, state="fresh"),
        site("lamp", "L1", "juji", (114.5, 34.5)),
        site("lamp", "L2", "juji", (114.6, 34.6)),
    ],
    "last_value": [
        value("air", "A1", "pm25", "juji", 0.0, TENTH),
        value("air", "A2", "pm25", "juji", 35.5, TWENTIETH),
        value("air", "A3", "pm25", "wulihe", 12.25, TENTH, state="late"),
        value("air", "A4", "pm25", "wulihe", None, None),
        value("air", "A5", "pm25", None, 7.0, TWENTIETH),
    ],
}


def linked(content: Any, rel: str, media: str | None = None) -> str | None:
    """The address that a link of this relation leads to."""
    return next(
        (item["href"] for item in content["links"] if item["rel"] == rel and media in (None, item["type"])), None
    )


def pages(client: Client, target: str, between: Callable[[], object] = lambda: None) -> Iterator[Any]:
    """All pages by the links `next`; something happens between them."""
    while True:
        page = client.page(target)
        yield page
        following = linked(page, "next")
        if following is None:
            return
        assert following.startswith(client.url)
        target = following.removeprefix(client.url)
        between()


def numbers(client: Client, target: str) -> list[str]:
    """The ids of all features of a target."""
    return [feature["id"] for page in pages(client, target) for feature in page["features"]]
