"""The sites of a publication, read page by page: kinds, how many a scope sees and where, and rows with their values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from extracts import plain
from extracts.datasets import FOLDER
from extracts.model import ANY, Condition, Only
from extracts.records import Row, records, summary
from serving.shelf import Held, Shelf
from warehouse.names import identifier

MOST = 10_000  # kinds, and properties of all kinds: a handful
_EXTENTS = (
    (FOLDER / "sql" / "site_extents.sql")
    .read_text(encoding="utf-8")
    .format(first=plain.moment("min(observed_at)"), last=plain.moment("max(observed_at)"))
)


@dataclass(frozen=True)
class Kind:
    """One kind of site, and what is observed at it: rows of `site_kind` and `site_property`."""

    id: str
    title_zh: str
    title_en: str
    properties: tuple[Row, ...]


@dataclass(frozen=True)
class Page:
    """Rows of `site` in the order of their numbers, the values of each by property, and whether more follow."""

    sites: Sequence[Row]
    values: Mapping[str, Mapping[str, Row]]
    more: bool


class Sites:
    """Reads the sites of publications. What was published never changes, so what is small or counted is kept."""

    def __init__(self, shelf: Shelf) -> None:
        self.store = shelf.store
        self.kinds = lru_cache(maxsize=8)(self._kinds)
        self.extents = lru_cache(maxsize=64)(self._extents)
        self.count = lru_cache(maxsize=1024)(self._count)

    def at(self, held: Held) -> int:
        """The sequence as of which a publication is what holds for its month, as long as its files are kept."""
        return max(held.sequence, self.store.floor())

    def page(
        self, held: Held, kind: Kind, only: Only, *,
        limit: int, unit: str | None = None, where: Condition = ANY, after: str | None = None, values: bool,
    ) -> Page:  # fmt: skip
        """At most `limit` sites behind the number `after`, with their values where they may be read."""
        at, month = self.at(held), held.manifest.period
        found = records(
            self.store, "site", at=at, period=month, unit=unit, only=only, where=_of(kind.id) & where,
            after=None if after is None else (month, kind.id, after), limit=limit + 1,
        )  # fmt: skip
        sites = found[:limit]
        read: dict[str, dict[str, Row]] = {}
        if values and sites and kind.properties:
            names, numbers = [str(row["property"]) for row in kind.properties], [str(row["site"]) for row in sites]
            # The bounds let Parquet's row groups be skipped; the list is exact where a filter left sites out.
            those = Condition("site BETWEEN ? AND ?", (numbers[0], numbers[-1])) & _in("site", numbers)
            for row in records(
                self.store, "last_value", at=at, period=month, only=only,
                where=_of(kind.id) & those & _in("property", names), limit=len(numbers) * len(names),
            ):  # fmt: skip
                read.setdefault(row["site"], {})[row["property"]] = row
        return Page(sites, read, len(found) > limit)

    def _kinds(self, held: Held) -> Mapping[str, Kind]:
        """Kinds of sites by their id."""
        at, month = self.at(held), held.manifest.period
        kinds = records(self.store, "site_kind", at=at, period=month, limit=MOST)
        properties = records(self.store, "site_property", at=at, period=month, limit=MOST)
        return {
            row["kind"]: Kind(
                row["kind"], row["title_zh"], row["title_en"],
                tuple(item for item in properties if item["kind"] == row["kind"]),
            )
            for row in kinds
        }  # fmt: skip

    def _extents(self, held: Held, only: Only) -> Mapping[str, Row]:
        """Kind → how many sites a scope sees, the box around them, and the span of their values. Kinds without a site
        that it sees are not there."""
        rows = summary(self.store, "site", _EXTENTS, at=self.at(held), month=held.manifest.period, only=only)
        return {row["kind"]: row for row in rows}

    def _count(self, held: Held, kind: str, unit: str | None, where: Condition, only: Only) -> int:
        """How many sites fit."""
        counted = summary(
            self.store, "site", "SELECT count(*) AS sites FROM {rows}", at=self.at(held), month=held.manifest.period,
            unit=unit, only=only, where=_of(kind) & where,
        )  # fmt: skip
        return int(counted[0]["sites"]) if counted else 0


def _of(kind: str) -> Condition:
    return Condition("kind = ?", (kind,))


def _in(column: str, values: Sequence[str]) -> Condition:
    # A set to look up in: comparing each row with a list of thousands would cost their product.
    listed = "SELECT unnest(from_json(?, '[\"VARCHAR\"]'))"
    return Condition(f"{identifier(column)} IN ({listed})", (json.dumps(list(values), ensure_ascii=False),))
