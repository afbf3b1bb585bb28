"""Everything that the dictionary describes: tables of feeds and of the hub, files of a publication, indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_all as read_specs
from indicators.definitions import Definition
from indicators.definitions import read_all as read_definitions
from scoring import scheme, tables
from scoring.month import SCHEME
from scoring.publication import content, dictionary
from scoring.publication.beside import make as beside
from warehouse import reference
from warehouse.dictionary import feeds, hub, words
from warehouse.dictionary.entry import Table, Text, gaps
from warehouse.names import identifier
from warehouse.tables import column_types

PUBLICATION = "publication"


@dataclass(frozen=True)
class Whole:
    """`parts`: part → its name, in the order of the index; `tables` in the order of their parts."""

    parts: Mapping[str, Text]
    tables: tuple[Table, ...]
    published: tuple[Table, ...]
    definitions: tuple[Definition, ...]
    specs: Mapping[str, FeedSpec]

    def gaps(self) -> list[str]:
        """What nobody has described yet."""
        unitless = words.read().names("none")
        return [line for table in (*self.tables, *self.published) for line in gaps(table, unitless)]

    def of_part(self, part: str) -> list[Table]:
        """The tables of a platform or part."""
        return [table for table in (*self.tables, *self.published) if table.part == part]


def whole(settings: Settings) -> Whole:
    """The dictionary of an installation. Raises what reading specs and definitions raises."""
    specs = read_specs(settings.feeds)
    platforms = {item["platform"]: Text(item["zh"], item["en"]) for item in reference.platforms()}
    parts = {name: Text(zh, en) for name, (zh, en) in words.read().usage["parts"].items()}
    known = {spec.platform: Text(spec.platform, spec.platform) for spec in specs.values()}
    parts = {**platforms, **{name: text for name, text in known.items() if name not in platforms}, **parts}
    order = list(parts)
    made = [*(feeds.table(spec) for spec in specs.values()), *hub.tables().values()]
    return Whole(
        parts | {PUBLICATION: Text("发布文件", "Files of a publication")},
        tuple(sorted(made, key=lambda table: (order.index(table.part), table.feed is None, table.name))),
        tuple(_published(specs, settings.feeds)),
        tuple(read_definitions().values()),
        {spec.table: spec for spec in specs.values()},
    )


def _published(specs: Mapping[str, FeedSpec], folder: Path) -> list[Table]:
    """The datasets of a publication, with the columns that their SELECTs give over empty tables."""
    con = duckdb.connect()
    try:
        con.execute("ATTACH ':memory:' AS lake; USE lake")
        hub.create(con)
        for spec in specs.values():
            columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in column_types(spec).items())
            con.execute(f"CREATE TABLE {identifier(spec.table)} ({columns})")
        rules = scheme.load(SCHEME)
        tables.set_month(con, rules.scheme, "2026-01")
        selects = content.selects(con, rules, 1, {}) | beside.selects(con, folder)
        return [
            dictionary.table(name, [(row[0], row[1]) for row in con.execute(f"DESCRIBE {select}").fetchall()])
            for name, select in sorted(selects.items())
        ]
    finally:
        con.close()
