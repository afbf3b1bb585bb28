"""Values of ours against the lists of codes: how many have a code that may go upward, and findings for the others, with
the rows that they concern. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from cityhub.errors import Usage
from cityhub.settings import Settings
from extracts.codes import identifier, lists, ours
from warehouse import lake

SQL = Path(__file__).parent / "sql"
# Columns that hold codes of a standard: name of the .sql file → the table that must be there, and the column.
CODED = {
    "unit": ("unit", "unit.unit_code"),
    "enf_case_class": ("enf_case", "enf_case.class_code"),
    "enf_case_grid": ("enf_case", "enf_case.grid_id"),
    "mun_asset_code": ("mun_asset", "mun_asset.code"),
}
AGREE = {"mun_asset_agree": ("mun_asset", "mun_asset.class")}  # where a word of ours stands beside a code
EDITIONS = ("classes_2013", "classes_2007")  # of four digits


@dataclass(frozen=True)
class Used:
    """A value as the warehouse uses it: its kind (`part`, `matter`, kind of unit), rows, and the last day of use."""

    value: str
    kind: str | None
    rows: int
    day: date


@dataclass(frozen=True)
class Finding:
    """One value, or one part of many values, that has no code to go upward with. `problem`: `unknown` (not in the
    list), `retired` (not in force on the day), `ambiguous` (editions differ, or several classes fit), `unmapped` (a
    word of ours without a class), `unsure` (a code less sure than asked for), `malformed`, `no_code` (a unit without a
    division), `contradicts` (the code beside our word is of another class). `instead`: the code that the lists name
    for it, where they name one."""

    column: str
    value: str
    problem: str
    list: str
    rows: int
    day: date
    instead: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Looked:
    """What was looked at in one column: values and rows, and how many of them have a code that may go upward."""

    values: int
    rows: int
    mapped_values: int
    mapped_rows: int


@dataclass(frozen=True)
class Checked:
    """What one check looked at, by column, and what it found."""

    day: date
    looked_at: dict[str, Looked]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Ask:
    """`floor`: the least confidence that counts; `edition`: which list four digits are of, where somebody knows."""

    floor: str = lists.SENDABLE
    edition: str | None = None

    def __post_init__(self) -> None:
        if self.edition not in {None, *EDITIONS}:
            raise Usage("CH-CODE-001", list=self.edition, found=", ".join(EDITIONS))


def check(settings: Settings, day: date, ask: Ask | None = None) -> Checked:
    """Every value of the warehouse that an upward template would have to translate. Columns whose feed has never been
    loaded are not looked at; raises `Stop` CH-LAKE-003 without a warehouse."""
    looked_at, findings = {}, []
    with closing(lake.connect(settings, read_only=True)) as con:
        there = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for name, (table, column) in (CODED | _mapped()).items():
            if table in there:
                looked_at[column], found = judge(name, column, _used(con, name, day), ask or Ask())
                findings += found
        for name, (table, column) in AGREE.items():
            if table in there:
                findings += judge(name, column, _used(con, name, day), ask)[1]
    return Checked(day, looked_at, tuple(findings))


def judge(name: str, column: str, values: list[Used], ask: Ask | None = None) -> tuple[Looked, list[Finding]]:
    """What one column holds, and its findings, one a problem and code, rows added up."""
    asked = ask or Ask()
    judges: dict[str, Callable[[Used], Iterator[Finding]]] = {
        "unit": lambda item: _unit(column, item, asked),
        "enf_case_class": lambda item: _class(column, item, item.value, item.kind or "", asked),
        "enf_case_grid": lambda item: _grid(column, item, asked),
        "mun_asset_code": lambda item: _part(column, item, asked),
        "mun_asset_agree": lambda item: _agree(column, item, asked),
    }
    judges.setdefault(name, lambda item: _ours(column, item, asked))
    found: dict[tuple[str, str], Finding] = {}
    mapped = []
    for item in values:
        its = list(judges[name](item))
        mapped += [] if its else [item.rows]
        for finding in its:
            key = (finding.problem, finding.value)
            found[key] = _both(found[key], finding) if key in found else finding
    looked = Looked(len(values), sum(item.rows for item in values), len(mapped), sum(mapped))
    return looked, list(found.values())


def _mapped() -> dict[str, tuple[str, str]]:
    """Columns of our own words, as `CODED`: `lamp.*` is read by lamp_all.sql."""
    split = {column: column.split(".") for column in ours.columns()}
    return {f"{table}_{'all' if name == '*' else name}": (table, column) for column, (table, name) in split.items()}


def _both(one: Finding, other: Finding) -> Finding:
    return replace(one, rows=one.rows + other.rows, day=max(one.day, other.day))


def _used(con: duckdb.DuckDBPyConnection, name: str, day: date) -> list[Used]:
    rows = con.execute((SQL / f"{name}.sql").read_text(encoding="utf-8")).fetchall()
    return [Used(str(value), kind, count, last or day) for value, kind, count, last in rows]


def _unit(column: str, item: Used, ask: Ask) -> Iterator[Finding]:
    known = lists.find("units", item.value, item.day)
    if known is None:
        yield Finding(column, item.value, "no_code", "units", item.rows, item.day)
    elif not lists.sure(known.confidence, ask.floor):
        yield Finding(column, item.value, "unsure", "units", item.rows, item.day, known.name, known.confidence)


def _class(column: str, item: Used, code: str, kind: str, ask: Ask) -> Iterator[Finding]:
    """A class of a part or a matter. Four digits mean one thing in the edition of 2007 and may mean another in that of
    2013: without `edition` they say something only where both know them and name one class of today."""
    known = _editions(code, kind, ask)
    entries = [one for its in known.values() for one in its]
    value, where = f"{kind} {code}", " or ".join(known)
    if not entries:
        yield Finding(column, value, "unknown", where, item.rows, item.day)
    elif _differ(known):
        says = ", ".join(f"{name[-4:]}: {one.name}" for name, its in known.items() for one in its)
        yield Finding(column, value, "ambiguous", where, item.rows, item.day, why=says)
    elif not any(one.valid(item.day) for one in entries):
        yield Finding(column, value, "retired", where, item.rows, item.day, entries[0].later, entries[0].name)
    else:
        best = min((one.confidence for one in entries), key=lists.CONFIDENCE.index)
        if not lists.sure(best, ask.floor):
            yield Finding(column, value, "unsure", where, item.rows, item.day, why=best)


def _editions(code: str, kind: str, ask: Ask) -> dict[str, list[lists.Code]]:
    """What the lists that a code may be of say about it: list → entries."""
    names = ("classes_2026",) if len(code) == 5 else (ask.edition,) if ask.edition else EDITIONS
    return {name: [one for one in lists.of(name, code) if one.kind == kind] for name in names}


def _differ(known: dict[str, list[lists.Code]]) -> bool:
    return not all(known.values()) or len({one.later for its in known.values() for one in its}) > 1


def _grid(column: str, item: Used, ask: Ask) -> Iterator[Finding]:
    cut = identifier.layouts()["unit_grid"].cut(item.value)
    if cut is None:
        yield Finding(column, item.value, "malformed", "unit_grid", item.rows, item.day)
    else:
        yield from _division(column, item, ask, cut["county"], cut["county"] + cut["street"])


def _part(column: str, item: Used, ask: Ask) -> Iterator[Finding]:
    for name in ("part_2026", "part_2013"):
        cut = identifier.layouts()[name].cut(item.value)
        if cut is not None:
            yield from _division(column, item, ask, cut["county"])
            yield from _class(column, item, cut["class"], "part", ask)
            return
    yield Finding(column, item.value, "malformed", "part_2026", item.rows, item.day)


def _agree(column: str, item: Used, ask: Ask) -> Iterator[Finding]:
    """Whether the class in a part's identifier, as one of today, is what our word for the part may mean."""
    said, _, code = item.value.partition(" ")
    cuts = [identifier.layouts()[name].cut(code) for name in ("part_2026", "part_2013")]
    cut = next((found for found in cuts if found), None)
    word = ours.find(column, said, item.day)
    known = _editions(cut["class"], "part", ask) if cut else {}
    entries = [one for its in known.values() for one in its]
    if cut is None or word is None or not entries or _differ(known):
        return  # each of these is a finding of its own column
    today = entries[0].later or entries[0].code
    if today not in {word.code, *word.among}:
        value = f"{said} with {cut['class']}"
        yield Finding(column, value, "contradicts", ours.LIST, item.rows, item.day, why=entries[0].name)


def _division(column: str, item: Used, ask: Ask, *codes: str) -> Iterator[Finding]:
    for code in codes:
        known = lists.find("divisions", code, item.day)
        if known and lists.sure(known.confidence, ask.floor):
            continue
        problem = "unsure" if known else "retired" if lists.of("divisions", code) else "unknown"
        yield Finding(column, code, problem, "divisions", item.rows, item.day)
        return


def _ours(column: str, item: Used, ask: Ask) -> Iterator[Finding]:
    word = ours.find(column, item.value, item.day)
    if word is None:
        yield Finding(
            column, item.value, "unmapped", ours.LIST, item.rows, item.day, why="nobody has said anything for this day"
        )
    elif word.code is None:
        problem = "ambiguous" if word.among else "unmapped"
        yield Finding(column, item.value, problem, ours.LIST, item.rows, item.day, why=word.why)
    elif not lists.sure(word.confidence or "memory", ask.floor):
        yield Finding(column, item.value, "unsure", ours.LIST, item.rows, item.day, word.code, word.why)
