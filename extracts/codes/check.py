"""Values of ours that the lists of codes do not know: findings, with the rows that they concern. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from cityhub.settings import Settings
from extracts.codes import identifier, lists
from warehouse import lake

SQL = Path(__file__).parent / "sql"
# What is looked at: name of the .sql file → the table that must be there, and the column as people know it.
LOOKED_AT = {
    "unit": ("unit", "unit.unit_code"),
    "enf_case_class": ("enf_case", "enf_case.class_code"),
    "enf_case_grid": ("enf_case", "enf_case.grid_id"),
    "mun_asset_code": ("mun_asset", "mun_asset.code"),
}


@dataclass(frozen=True)
class Used:
    """A value as the warehouse uses it: its kind (`part`, `matter`, kind of unit), rows, and the last day of use."""

    value: str
    kind: str | None
    rows: int
    day: date


@dataclass(frozen=True)
class Finding:
    """One value, or one part of many values, that has no meaning in the list for it. `problem`: `unknown` (not in the
    list), `retired` (not in force on the day), `malformed`, `no_code` (a unit without a division). `instead`: the code
    that the lists name for it, where they name one."""

    column: str
    value: str
    problem: str
    list: str
    rows: int
    day: date
    instead: str | None = None


@dataclass(frozen=True)
class Checked:
    """What one check looked at: column → values and rows; and what it found."""

    day: date
    looked_at: dict[str, tuple[int, int]]
    findings: tuple[Finding, ...]


def check(settings: Settings, day: date) -> Checked:
    """Every value of the warehouse that an upward template would have to translate. Columns whose feed has never been
    loaded are not looked at; raises `Stop` CH-LAKE-003 without a warehouse."""
    looked_at, findings = {}, []
    with closing(lake.connect(settings, read_only=True)) as con:
        there = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for name, (table, column) in LOOKED_AT.items():
            if table in there:
                values = _used(con, name, day)
                looked_at[column] = (len(values), sum(item.rows for item in values))
                findings += judge(name, column, values)
    return Checked(day, looked_at, tuple(findings))


def judge(name: str, column: str, values: list[Used]) -> list[Finding]:
    """The findings of one column, one a problem and code, rows added up."""
    judges: dict[str, Callable[[Used], Iterator[Finding]]] = {
        "unit": lambda item: _unit(column, item),
        "enf_case_class": lambda item: _class(column, item, item.value, item.kind or ""),
        "enf_case_grid": lambda item: _grid(column, item),
        "mun_asset_code": lambda item: _part(column, item),
    }
    found: dict[tuple[str, str], Finding] = {}
    for item in values:
        for finding in judges[name](item):
            key = (finding.problem, finding.value)
            known = found.get(key)
            found[key] = finding if known is None else _both(known, finding)
    return list(found.values())


def _both(one: Finding, other: Finding) -> Finding:
    return replace(one, rows=one.rows + other.rows, day=max(one.day, other.day))


def _used(con: duckdb.DuckDBPyConnection, name: str, day: date) -> list[Used]:
    rows = con.execute((SQL / f"{name}.sql").read_text(encoding="utf-8")).fetchall()
    return [Used(str(value), kind, count, last or day) for value, kind, count, last in rows]


def _unit(column: str, item: Used) -> Iterator[Finding]:
    if lists.find("units", item.value, item.day) is None:
        yield Finding(column, item.value, "no_code", "units", item.rows, item.day)


def _class(column: str, item: Used, code: str, kind: str) -> Iterator[Finding]:
    name = "classes_2013" if len(code) == 4 else "classes_2026"
    if lists.find(name, code, item.day, kind):
        return
    former = [known for known in lists.of(name, code) if known.kind == kind]
    if not former:
        yield Finding(column, f"{kind} {code}", "unknown", name, item.rows, item.day)
        return
    later = (known.code for known in lists.read("classes_2026").codes if (known.former, known.kind) == (code, kind))
    yield Finding(column, f"{kind} {code}", "retired", name, item.rows, item.day, next(later, None))


def _grid(column: str, item: Used) -> Iterator[Finding]:
    cut = identifier.layouts()["unit_grid"].cut(item.value)
    if cut is None:
        yield Finding(column, item.value, "malformed", "unit_grid", item.rows, item.day)
    else:
        yield from _division(column, item, cut["county"], cut["county"] + cut["street"])


def _part(column: str, item: Used) -> Iterator[Finding]:
    for name in ("part_2026", "part_2013"):
        layout = identifier.layouts()[name]
        cut = layout.cut(item.value)
        if cut is not None:
            yield from _division(column, item, cut["county"])
            yield from _class(column, item, cut["class"], "part")
            return
    yield Finding(column, item.value, "malformed", "part_2026", item.rows, item.day)


def _division(column: str, item: Used, *codes: str) -> Iterator[Finding]:
    for code in codes:
        if lists.find("divisions", code, item.day):
            continue
        problem = "retired" if lists.of("divisions", code) else "unknown"
        yield Finding(column, code, problem, "divisions", item.rows, item.day)
        return
