"""The rows behind a score: those of the tables that its indicators read, and its lines on the manual sheets.

As few as give the published numbers again: first the unit's own rows of the month, then those of all units, then
those of all days. Columns that a spec marks as personal never leave the warehouse, nor do tables that no spec explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from cityhub.clock import month_bounds
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from indicators.definitions import Definition
from indicators.derived import REFERENCE_TABLES
from indicators.derived import read_all as derived_tables
from indicators.run import ASSESSED
from scoring.evidence import again
from scoring.evidence.chain import Chain, Needed
from scoring.tables import INPUTS, OPTIONAL
from scoring.why.sides import snapshots
from warehouse import lake
from warehouse.names import identifier, identifiers, literal

LEVELS = ("the unit's rows of the month", "all rows of the month", "all rows")
_COLUMN = re.compile(r"^(?:\w+\.)?(\w+)$")


@dataclass
class Packed:
    """What was packed. `tables`: table → rows and which; `left_out`: table → why; `how`: (code, unit) → None where the
    rows give the published numbers again, else why not. `as_of`: which state of the warehouse the rows are of."""

    as_of: str
    tables: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    how: dict[tuple[str, str], str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ground:
    con: duckdb.DuckDBPyConnection
    columns: dict[str, list[str]]
    specs: dict[str, FeedSpec]  # by table
    personal: frozenset[str]
    first: date
    end: date
    at_most: int


def pack(settings: Settings, chain: Chain, specs: dict[str, FeedSpec], folder: Path, *, at_most: int) -> Packed:
    """Write `<table>.parquet` for everything that the chain rests on; a table of more than `at_most` rows is left
    out and named."""
    folder.mkdir(parents=True)
    kept = chain.manifest.lake_snapshot in snapshots(settings)
    snapshot = chain.manifest.lake_snapshot if kept else None
    made = Packed(
        "the snapshot that was published" if kept else "the warehouse of now: the snapshot is not kept any more"
    )
    with closing(lake.engine(settings)) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute("SET enable_progress_bar = false")
        con.execute("SET threads = 1")  # the same rows in the same order make the same file
        con.execute(lake.attach_sql(settings, read_only=True, snapshot=snapshot))
        con.execute("USE lake")
        first, end = month_bounds(chain.manifest.period)
        personal = frozenset(n for spec in specs.values() for n, f in spec.fields.items() if f.personal != "no")
        by_table = {spec.table: spec for spec in specs.values()}
        ground = _Ground(con, _columns(con), by_table, personal, first, end, at_most)
        _indicators(ground, chain, folder, made)
        for name in INPUTS:
            if name in OPTIONAL:
                _sheet(ground, chain, name, folder, made)
    return made


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' AND schema_name = 'main' "
        "ORDER BY table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append(column)
    return found


def _indicators(ground: _Ground, chain: Chain, folder: Path, made: Packed) -> None:
    """Raise the level of the tables of those indicators that do not come out again, until they do or all is packed."""
    service_day = date.fromisoformat(chain.manifest.service_day)
    known = [(item, definition) for item in chain.needed if (definition := again.definition_of(item)) is not None]
    level: dict[str, int] = {}
    for item, definition in known:
        for table in again.tables_of(definition):
            level[table] = max(level.get(table, 0), 0 if item.of == chain.unit else 1)
    if known:
        for table in sorted(REFERENCE_TABLES):
            _write(ground, table, "true", folder, made, LEVELS[2])
    wanted = set(level)
    while wanted:
        for table in sorted(wanted):
            _table(ground, table, level[table], known, chain, folder, made)
        made.how = again.results(folder, list(chain.needed), service_day)
        failed = {
            table
            for item, definition in known
            if made.how[item.code, item.of] is not None
            for table in again.tables_of(definition)
        }
        wanted = {table for table in failed if level[table] < 2 and table not in made.left_out}
        for table in wanted:
            level[table] += 1
    if not level:
        made.how = again.results(folder, list(chain.needed), service_day)


def _table(
    ground: _Ground,
    table: str,
    level: int,
    known: list[tuple[Needed, Definition]],
    chain: Chain,
    folder: Path,
    made: Packed,
) -> None:
    readers = [definition for _, definition in known if table in again.tables_of(definition)]
    there = ground.columns.get(table, [])
    where = []
    if level == 0:
        own = {
            _COLUMN.sub(r"\1", column) for d in readers for kind, column in d.unit_columns.items() if kind in ASSESSED
        }
        units = " OR ".join(f"{identifier(name)} = {literal(chain.unit)}" for name in sorted(own & set(there)))
        where += [f"({units})"] if units else []
    dated = all(d.by == "service_day" and table not in d.registries for d in readers)
    if level < 2 and dated and "service_day" in there:
        first, end = literal(ground.first.isoformat()), literal(ground.end.isoformat())
        where.append(f"service_day >= DATE {first} AND service_day < DATE {end}")
    _write(ground, table, " AND ".join(where) or "true", folder, made, LEVELS[level if where else 2])


def _write(
    ground: _Ground, table: str, where: str, folder: Path, made: Packed, which: str, names: Iterable[str] = ()
) -> None:
    """One table's rows, without personal columns."""
    there = ground.columns.get(table)
    if there is None:
        made.left_out[table] = "there is no such table"
        return
    explained = table in ground.specs or table in REFERENCE_TABLES or table in derived_tables()
    if not explained and not names:
        made.left_out[table] = "no spec says which of its columns are personal"
        return
    columns = [name for name in there if name not in ground.personal and (not names or name in set(names))]
    source = f"FROM {identifier(table)} WHERE {where}"
    counted = ground.con.execute(f"SELECT count(*) {source}").fetchone()
    number = int(counted[0]) if counted else 0
    path = folder / f"{table}.parquet"
    if number > ground.at_most:
        if not path.is_file():
            made.left_out[table] = f"{number} rows, more than {ground.at_most}"
        return
    ground.con.execute(
        f"COPY (SELECT {identifiers(columns)} {source} ORDER BY ALL) TO {literal(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    made.tables[table] = {"rows": number, "which": which, "without": [n for n in there if n not in columns]}


def _sheet(ground: _Ground, chain: Chain, name: str, folder: Path, made: Packed) -> None:
    """The unit's lines on a manual sheet in the month, with the columns that were published and the load id."""
    table, columns = OPTIONAL[name]
    there = ground.columns.get(table, [])
    if not there:
        return
    shown = {part.split(" ")[0] for part in columns.replace("(18, 4)", "").split(", ")}
    month = literal(chain.manifest.period)
    if "month" in there:
        when = f"month = {month}"
    else:
        dates = [column for column in ("decided_on", "occurred_on", "service_day") if column in there]
        when = "(" + " OR ".join(f"strftime({identifier(column)}, '%Y-%m') = {month}" for column in dates) + ")"
    where = f"unit = {literal(chain.unit)} AND {when}"
    names = {*shown, "month", "service_day", "_load_id", "_received_at"}
    _write(ground, table, where, folder, made, "the unit's lines of the month", names)
