"""A feed spec as SQL: one SELECT over the received texts that types, checks, locates and attributes each row.

The SELECT reads a relation `raw(part, place, s0, s1, …)`, all texts, where `s<i>` is `sources(spec)[i]`. Rows
that fail a check carry their reasons in `__bad` as JSON; all other columns are those of the canonical table.
The text depends on the spec, the decimal sign and what landed sealed alone: day and time of the delivery are the
parameters `$day` and `$received`, the key for personal fields is a session variable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb

from cityhub.errors import Stop
from cityhub.spec.contract import Contract
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from warehouse.compile_types import NOT_A, in_list, typed
from warehouse.coordinates import to_wgs84
from warehouse.names import identifier, literal
from warehouse.tables import HUB_LAST, column_types

MACROS = Path(__file__).with_name("macros.sql")
# Longitude 73 to 136 and latitude 3 to 54 hold China; outside, and at 0 0, a receiver had no fix.
IN_CHINA = "{lon} BETWEEN 73 AND 136 AND {lat} BETWEEN 3 AND 54"
# Written by the load, not by the mapping.
STAMPED = ("_load_id", "_received_at")


@dataclass(frozen=True)
class _Column:
    """A field while it is compiled: `s` received, `v` typed, `e` reason; `soft` says when a reason only empties.

    `p`: the reason out of a landed token, NULL where the value is none; empty for a source that did not land sealed.
    """

    name: str
    field: FieldSpec
    s: str
    v: str
    e: str
    soft: str = "false"
    p: str = ""


@dataclass(frozen=True)
class Also:
    """What a contract refuses beside the spec's own checks: rows with a value of one of these unknown source
    `columns`, and, for each (reason, field) of `rows`, every row."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def sources(spec: FeedSpec) -> tuple[str, ...]:
    """The distinct source names of a spec, in order: the columns of the raw relation."""
    return tuple(dict.fromkeys(field.source for field in spec.fields.values()))


def stage_columns(spec: FeedSpec) -> list[str]:
    """Columns of the canonical table that the mapping produces, in table order."""
    return [name for name in column_types(spec) if name not in STAMPED]


def data_columns(spec: FeedSpec) -> list[str]:
    """Columns whose change makes a row another one: all but the hub's own notes about a load."""
    skipped = set(HUB_LAST) - {"_flags"}
    if spec.identity.day_from is None:
        skipped.add("service_day")  # a registry row keeps the day of its last change
    return [name for name in column_types(spec) if name not in skipped]


def define_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Define the functions that compiled mappings call, once for a connection."""
    if con.execute("SELECT getvariable('hub_macros')").fetchone() != (True,):
        # One transaction: each statement alone would ask the lake's catalog for its snapshot.
        con.execute(f"BEGIN; {_macros_text()}; COMMIT")
        con.execute("SET VARIABLE hub_macros = true")


def mapping(spec: FeedSpec, decimal: str = ".", protected: Collection[str] = (), also: Also | None = None) -> str:
    """The SELECT from `raw` to staged rows: canonical columns, `__part`, `__place`, `__bad`, `__hash`.

    `protected`: source columns that landed as tokens of warehouse/personal/seal.py. The columns of `also` stand
    in `raw` behind those of the spec.
    """
    columns = _columns(spec, protected)
    values = ", ".join(f"{_typed(c, decimal)} AS {c.v}" for c in columns)
    reasons = ", ".join(f"{_judged(spec, c)} AS {c.e}" for c in columns)
    steps = [("typed", f"SELECT *, {values} FROM raw"), ("judged", f"SELECT *, {reasons} FROM typed")]
    if any(c.p for c in columns):
        steps = [("opened", _opened(columns)), ("typed", f"SELECT *, {values} FROM opened"), steps[1]]
    last = "judged"
    soft = [c for c in columns if c.soft != "false"]
    if soft:
        emptied = ", ".join(f"CASE WHEN {c.e} IS NULL THEN {c.v} END AS {c.v}" for c in soft)
        steps.append(("kept", f"SELECT * REPLACE ({emptied}) FROM {last}"))
        last = "kept"
    if spec.location is not None:
        steps += _located(spec, columns, last)
        last = "located"
    steps.append(("mapped", _final(spec, columns, last, also or Also())))
    ctes = ",\n".join(f"{name} AS (\n{body}\n)" for name, body in steps)
    keys = ", ".join(identifier(name) for name in spec.identity.key)
    return f"WITH {ctes}\nSELECT *, hash({keys}) AS __hash FROM mapped"


def describe(spec: FeedSpec) -> str:
    """The mapping as text for people, with what `s0`, `s1` … stand for."""
    names = "\n".join(f"-- s{i} = {source}" for i, source in enumerate(sources(spec)))
    return f"-- {spec.feed} -> {spec.table}; raw holds every column as received, as text\n{names}\n{mapping(spec)}\n"


@cache
def _macros_text() -> str:
    return MACROS.read_text(encoding="utf-8")


def spec_sha256(spec: FeedSpec) -> str:
    """Identity of what a spec makes of a delivery: another title changes nothing, another unit does."""
    parts = [describe(spec), _macros_text(), spec.identity.model_dump_json(), spec.source.model_dump_json()]
    if spec.unit.by == "lookup":  # not in the mapping: the parent is joined once the rows are staged
        parts.append(spec.unit.model_dump_json())
    if spec.contract != Contract():  # the default adds nothing, so that what was loaded before contracts stays known
        parts.append(spec.contract.model_dump_json())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _opened(columns: list[_Column]) -> str:
    """Tokens taken apart: the protected text stands for the received one, its reason beside it."""
    sealed = {c.s: c.p for c in columns if c.p}
    texts = ", ".join(
        f"CASE WHEN starts_with({s}, '~hub:') THEN substr({s}, 9 + strlen(split_part({s}, ':', 3))) ELSE {s} END AS {s}"
        for s in sealed
    )
    reasons = ", ".join(
        f"CASE WHEN starts_with({s}, '~hub:') THEN split_part({s}, ':', 3) END AS {p}" for s, p in sealed.items()
    )
    return f"SELECT * REPLACE ({texts}), {reasons} FROM raw"


def _typed(column: _Column, decimal: str) -> str:
    value = typed(column.field, column.s, decimal)
    if not column.p:
        return value
    if column.field.type != "text":  # a dropped one: nobody sees what it was
        return f"CASE WHEN {column.p} IS NULL THEN {value} END"
    return f"CASE WHEN {column.p} IS NOT NULL THEN {column.s} ELSE {value} END"


def _judged(spec: FeedSpec, column: _Column) -> str:
    reason = _reason(spec, column)
    return f"CASE WHEN {column.p} IS NOT NULL THEN nullif({column.p}, '') ELSE {reason} END" if column.p else reason


def _columns(spec: FeedSpec, protected: Collection[str] = ()) -> list[_Column]:
    at = {source: f"s{i}" for i, source in enumerate(sources(spec))}
    found = []
    for i, (name, field) in enumerate(spec.fields.items()):
        if field.personal in {"hash", "mask"} and field.type != "text":
            raise Stop("CH-LOAD-008", feed=spec.feed, field=name, problem="a personal field must have type text")
        column = _Column(name, field, at[field.source], f"v{i}", f"e{i}")
        if field.source in protected:
            column = replace(column, p=f"p{at[field.source][1:]}")
        found.append(replace(column, soft=_soft(spec, column)))
    return found


def needed(spec: FeedSpec, name: str) -> bool:
    """Whether a row cannot be without this field."""
    return spec.fields[name].required or name in spec.identity.key or name == spec.identity.day_from


def _soft(spec: FeedSpec, column: _Column) -> str:
    if needed(spec, column.name):
        return "false"
    if column.field.if_bad == "null":
        return "true"
    if column.field.codes and column.field.unknown_code == "null":
        return f"{column.e} = 'unknown_code'"
    return "false"


def _hard(column: _Column) -> str:
    """The reason that costs the row, NULL when there is none."""
    return {"false": column.e, "true": "NULL"}.get(column.soft, f"CASE WHEN NOT ({column.soft}) THEN {column.e} END")


def _reason(spec: FeedSpec, column: _Column) -> str:
    field, v = column.field, column.v
    missing = f"{column.s} IS NULL OR {in_list(f'hub_text({column.s})', dict.fromkeys([*field.missing, '']))}"
    absent = "'missing_required'" if needed(spec, column.name) else "NULL"
    if field.codes:
        empty = f"CASE WHEN {missing} THEN {absent} ELSE 'unknown_code' END"
    elif field.type == "text":
        empty = absent
    else:
        fraction = f" WHEN hub_number({column.s}) IS NOT NULL THEN 'not_an_integer'" if field.type == "integer" else ""
        empty = f"CASE WHEN {missing} THEN {absent}{fraction} ELSE {literal(NOT_A[field.type])} END"
    cases = [f"WHEN {v} IS NULL THEN {empty}"] if empty != "NULL" else []
    if field.type in {"integer", "double", "decimal"}:
        limits = [f"{v} < {field.min!r}" if field.min is not None else ""]
        limits += [f"{v} > {field.max!r}" if field.max is not None else ""]
        beyond = " OR ".join(limit for limit in limits if limit)
        cases += [f"WHEN {beyond} THEN 'out_of_range'"] if beyond else []
    if field.pattern:
        fits = f"regexp_full_match(hub_text({column.s}), {literal(field.pattern)})"
        cases.append(f"WHEN {v} IS NOT NULL AND NOT {fits} THEN 'pattern'")
    if column.name in {spec.identity.day_from, spec.identity.version}:
        cases += _plausible(field, v)
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def _plausible(field: FieldSpec, v: str) -> list[str]:
    """The clock of a sender that never was set, or runs ahead, must not open a partition of its own."""
    if field.type == "timestamp":
        late, early = "$received::TIMESTAMPTZ + INTERVAL 1 DAY", "TIMESTAMPTZ '1990-01-01 00:00:00+08:00'"
    elif field.type == "date":
        late, early = "hub_day($received::TIMESTAMPTZ) + 1", "DATE '1990-01-01'"
    else:
        return []
    return [f"WHEN {v} > {late} THEN 'future_time'", f"WHEN {v} < {early} THEN 'out_of_range'"]


def _located(spec: FeedSpec, columns: list[_Column], last: str) -> list[tuple[str, str]]:
    assert spec.location is not None
    lon, lat = (_named(columns, name) for name in (spec.location.lon, spec.location.lat))
    inside = IN_CHINA.format(lon=lon.v, lat=lat.v)
    bad = f"{lon.v} IS NOT NULL AND {lat.v} IS NOT NULL AND NOT ({inside})"
    placed = f"CASE WHEN {inside} THEN {{0}} END"
    query = (
        f"SELECT *, CASE WHEN {bad} THEN 'bad_position' END AS epos,"
        f" {placed.format(lon.v)} AS plon, {placed.format(lat.v)} AS plat FROM {last}"
    )
    return [
        ("placed", query),
        ("located", to_wgs84("placed", spec.location.system, "plon", "plat")),
    ]


def _named(columns: list[_Column], name: str) -> _Column:
    return next(column for column in columns if column.name == name)


def _protected(column: _Column, text: str) -> str:
    shown = {
        "no": text,
        "hash": f"hub_hash(hub_text({text}))",
        "mask": f"hub_mask(hub_text({text}))",
        "drop": "'****'",
    }[column.field.personal]
    return f"CASE WHEN {column.p} IS NOT NULL THEN {column.s} ELSE {shown} END" if column.p else shown


def _final(spec: FeedSpec, columns: list[_Column], last: str, also: Also) -> str:
    position_is_soft = False
    if spec.location is not None:
        position_is_soft = _named(columns, spec.location.lon).soft == "true"
    out = [f"{_service_day(spec, columns)} AS service_day", f"{_unit(spec, columns)} AS unit_code"]
    for column in columns:
        value = column.v
        if position_is_soft and spec.location and column.name in {spec.location.lon, spec.location.lat}:
            value = f"CASE WHEN epos IS NULL THEN {value} END"
        if column.field.personal in {"hash", "mask"}:
            shown = f"hub_{column.field.personal}({value})"
            value = f"CASE WHEN {column.p} IS NOT NULL THEN {value} ELSE {shown} END" if column.p else shown
        if column.field.personal != "drop":
            out.append(f"{value} AS {identifier(column.name)}")
    if spec.location is not None:
        out += ["lon_wgs84", "lat_wgs84"]
    out.append(f"{_version(spec, columns)} AS _version")
    out.append(f"{_flags(spec, columns, position_is_soft)} AS _flags")
    out += ["part AS __part", "place AS __place", f"{_bad(spec, columns, position_is_soft, also)} AS __bad"]
    return "SELECT " + ",\n  ".join(out) + f"\nFROM {last}"


def _bad(spec: FeedSpec, columns: list[_Column], position_is_soft: bool, also: Also) -> str:
    judged = [c for c in columns if c.soft != "true"]
    found = {c.name: (_hard(c), c.s, _protected(c, c.s)) for c in judged}
    tests = [f"{hard} IS NOT NULL" for hard, _, _ in found.values()]
    entries = [
        f"CASE WHEN {hard} IS NOT NULL THEN {{'reason': {hard}, 'field': {literal(name)}, 'value': {value}}} END"
        for name, (hard, _, value) in found.items()
    ]
    if spec.location is not None and not position_is_soft:
        lon, lat = (_named(columns, name) for name in (spec.location.lon, spec.location.lat))
        tests.append("epos IS NOT NULL")
        entries.append(
            f"CASE WHEN epos IS NOT NULL THEN {{'reason': epos, 'field': {literal(lon.name)},"
            f" 'value': concat({_protected(lon, lon.s)}, ' ', {_protected(lat, lat.s)})}} END"
        )
    extra = {name: f"s{len(sources(spec)) + i}" for i, name in enumerate(also.columns)}
    # Nobody has said what stands in a new column: where the feed holds personal fields it may be one more.
    shown = {
        name: "'****'" if any(c.field.personal != "no" for c in columns) else f"hub_text({s})"
        for name, s in extra.items()
    }
    for name, s in extra.items():
        tests.append(f"{s} <> ''")
        entries.append(
            f"CASE WHEN {s} <> '' THEN {{'reason': 'new_column', 'field': {literal(name)}, 'value': {shown[name]}}} END"
        )
    tests += ["true"] if also.rows else []
    entries = [
        f"{{'reason': {literal(reason)}, 'field': {literal(name)}, 'value': NULL::VARCHAR}}"
        for reason, name in also.rows
    ] + entries
    guard = {c.s: c for c in columns}
    guard |= {c.s: c for c in columns if c.field.personal != "no"}
    # json_object and not a struct: names in a record may differ by case alone.
    row = ", ".join(f"{literal(name)}, {_protected(guard[f's{i}'], f's{i}')}" for i, name in enumerate(sources(spec)))
    row += "".join(f", {literal(name)}, CASE WHEN {s} IS NOT NULL THEN {shown[name]} END" for name, s in extra.items())
    keys = [_named(columns, name) for name in spec.identity.key]
    key = ", ".join(_protected(c, f"hub_text({c.s})") for c in keys)
    why = f"list_filter([{', '.join(entries)}], lambda item: item IS NOT NULL)"
    content = f"{{'why': {why}, 'key': concat_ws('|', {key}), 'row': json_object({row})}}"
    return f"CASE WHEN {' OR '.join(tests)} THEN CAST(to_json({content}) AS VARCHAR) END"


def _flags(spec: FeedSpec, columns: list[_Column], position_is_soft: bool) -> str:
    notes = [
        f"CASE WHEN {c.e} IS NOT NULL AND {c.soft} THEN {c.e} || {literal(':' + c.name)} END"
        for c in columns
        if c.soft != "false"
    ]
    if position_is_soft:
        notes.append("epos")
    if spec.unit.by == "code" and spec.unit.codes:
        value = _named(columns, spec.unit.field or "").v
        notes.append(f"CASE WHEN {value} IS NOT NULL AND ({_unit(spec, columns)}) IS NULL THEN 'unknown_unit' END")
    return f"nullif(concat_ws(',', {', '.join(notes)}), '')" if notes else "NULL::VARCHAR"


def _service_day(spec: FeedSpec, columns: list[_Column]) -> str:
    if spec.identity.day_from is None:
        return "$day::DATE"
    column = _named(columns, spec.identity.day_from)
    return column.v if column.field.type == "date" else f"hub_day({column.v})"


def _version(spec: FeedSpec, columns: list[_Column]) -> str:
    """What orders versions of a row, as an instant; a plain sequence number counts as seconds since 1970."""
    start = "hub_instant(CAST($day::DATE AS TIMESTAMP), 'Asia/Shanghai')"
    if spec.identity.version is None:
        return start
    column = _named(columns, spec.identity.version)
    instant = {
        "timestamp": column.v,
        "date": f"hub_instant(CAST({column.v} AS TIMESTAMP), 'Asia/Shanghai')",
        "integer": f"to_timestamp({column.v})",
    }.get(column.field.type)
    if instant is None:
        problem = "identity.version must be a timestamp, a date or an integer"
        raise Stop("CH-LOAD-008", feed=spec.feed, field=column.name, problem=problem)
    return f"coalesce({instant}, {start})"


def _unit(spec: FeedSpec, columns: list[_Column]) -> str:
    if spec.unit.by != "code":  # filled once the rows are staged: a join here would mix their order
        return "NULL::VARCHAR"
    value = f"CAST({_named(columns, spec.unit.field or '').v} AS VARCHAR)"
    if not spec.unit.codes:
        return value
    cases = " ".join(f"WHEN {literal(have)} THEN {literal(want)}" for have, want in spec.unit.codes.items())
    return f"CASE {value} {cases} END"
