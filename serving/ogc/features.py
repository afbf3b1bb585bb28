"""What the answers hold: collections and features, made of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from extracts.records import Row
from serving.ogc.links import CRS84, GREGORIAN, ITEMS, JSON, SCHEMA, Link, itself, link, part
from serving.ogc.sites import Kind, Page
from serving.shelf import Held

OWN = ("name", "unit", "operation", "observed_at", "state")  # columns of `site` that a feature shows
DECIMALS = 7  # of a degree: about a centimetre


def source(held: Held | None) -> dict[str, Any]:
    """The publication that an answer shows; empty before the first that holds sites."""
    if held is None:
        return {"publication": None, "period": None, "status": None, "source_as_of": None}
    made = held.manifest
    return {
        "publication": held.sequence,
        "period": made.period,
        "status": made.status,
        "source_as_of": made.source_as_of,
    }


def columns(kind: Kind) -> Mapping[str, str]:
    """Property → the name of its column; another than its own where a column of that name is there already."""
    taken = {"id", *OWN, *source(None)}
    found: dict[str, str] = {}
    for row in kind.properties:
        name = str(row["property"])
        while taken & {name, f"{name}_at", f"{name}_state"}:
            name += "_value"
        taken |= {name, f"{name}_at", f"{name}_state"}
        found[row["property"]] = name
    return found


def collection(root: str, held: Held, kind: Kind, extent: Row | None) -> dict[str, Any]:
    """One collection. `extent`: what the scope sees of it; None for nothing."""
    address = f"{root}/collections/{part(kind.id)}"
    made: dict[str, Any] = {
        "id": kind.id,
        "title": f"{kind.title_zh} {kind.title_en}",
        "description": _described(kind),
        "itemType": "feature",
        "crs": [CRS84],
        "links": [
            *itself(address, JSON),
            *(link(f"{address}/items", "items", media, kind.title_zh) for media in ITEMS),
            link(f"{address}/schema", "describedby", SCHEMA, "字段说明"),
        ],
        **source(held),
        "itemCount": 0 if extent is None else extent["sites"],
    }
    parts = {} if extent is None else _extent(extent)
    return {**made, "extent": parts} if parts else made


def _described(kind: Kind) -> str:
    words = [
        f"{name}: {row['title_zh']} {row['title_en']}" + (f" ({row['measure']})" if row["measure"] else "")
        for row in kind.properties
        for name in [columns(kind)[row["property"]]]
    ]
    return "; ".join(words) or f"{kind.title_zh} {kind.title_en}"


def _extent(seen: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if seen["west"] is not None:
        box = [_degrees(seen[side]) for side in ("west", "south", "east", "north")]
        found["spatial"] = {"bbox": [box], "crs": CRS84}
    if seen["first"] is not None:
        found["temporal"] = {"interval": [[seen["first"], seen["last"]]], "trs": GREGORIAN}
    return found


def features(held: Held, kind: Kind, page: Page, *, values: bool) -> list[dict[str, Any]]:
    """The features of a page; with the columns of values only where they may be read."""
    names = columns(kind) if values else {}
    shown = source(held)
    return [
        {
            "type": "Feature",
            "id": site["site"],
            "geometry": _place(site),
            "properties": {name: site[name] for name in OWN}
            | _values(names, page.values.get(site["site"], {}))
            | shown,
        }
        for site in page.sites
    ]


def _values(names: Mapping[str, str], found: Mapping[str, Row]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, name in names.items():
        row = found.get(key, {})
        made |= {name: row.get("value"), f"{name}_at": row.get("observed_at"), f"{name}_state": row.get("state")}
    return made


def _place(site: Row) -> dict[str, Any] | None:
    if site["lon"] is None or site["lat"] is None:
        return None
    return {"type": "Point", "coordinates": [_degrees(site["lon"]), _degrees(site["lat"])]}


def _degrees(value: float) -> float:
    return round(value, DECIMALS)


def links(root: str, kind: str, site: str, media: str) -> list[Link]:
    """The links of one feature."""
    address = f"{root}/collections/{part(kind)}"
    return [
        *itself(f"{address}/items/{part(site)}", media, ITEMS),
        link(address, "collection", JSON),
    ]
