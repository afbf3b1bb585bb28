"""Writing values: exactly the rows that changed, so that a second run writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields

import duckdb

from cityhub import clock
from indicators import restated
from indicators.definitions import Definition
from indicators.restated import Cause
from indicators.values import Value

_NAMES = [item.name for item in fields(Value)]
_LIST = ", ".join(_NAMES)
_SELECT = f"SELECT {_LIST} FROM indicator_value WHERE period_kind = $kind AND starts_with(period, $period)"
_TYPES = json.dumps(
    [
        dict.fromkeys(_NAMES, "VARCHAR")
        | dict.fromkeys(("numerator", "denominator", "value", "coverage"), "DOUBLE")
        | dict.fromkeys(("n_expected", "n_valid", "quarantined"), "BIGINT")
    ]
)
_STAGE = f"""
CREATE OR REPLACE TEMP TABLE changed AS SELECT unnest(from_json($rows, '{_TYPES}'), recursive := true)
"""
_DELETE = """
DELETE FROM indicator_value v WHERE EXISTS (
    SELECT 1 FROM changed c WHERE v.code = c.code AND v.unit_code = c.unit_code
    AND v.period_kind = c.period_kind AND v.period = c.period)
"""
_INSERT = f"""
INSERT INTO indicator_value ({_LIST}, as_of)
SELECT {_LIST}, $as_of FROM changed WHERE state <> 'withdrawn' ORDER BY period_kind, period, code, unit_code
"""
_DEFINITIONS = "SELECT code, definition_sha256 FROM indicator"
_COLUMNS = (
    "code", "platform", "title_zh", "title_en", "unit", "direction", "formula", "kind", "roll_up",
    "min_coverage", "target", "source", "confidence", "note", "tables", "definition_sha256",
)  # fmt: skip
_STAGE_DEFINITIONS = f"""
CREATE OR REPLACE TEMP TABLE defined AS SELECT unnest(from_json($rows,
    '{json.dumps([dict.fromkeys(_COLUMNS, "VARCHAR") | {"min_coverage": "DOUBLE"}])}'), recursive := true)
"""
_DELETE_DEFINITIONS = "DELETE FROM indicator WHERE code IN (SELECT code FROM defined)"
_INSERT_DEFINITIONS = f"""
INSERT INTO indicator ({", ".join(_COLUMNS)}) SELECT {", ".join(_COLUMNS)} FROM defined ORDER BY code
"""


def changed(con: duckdb.DuckDBPyConnection, values: list[Value]) -> list[Value]:
    """Those of the values that the warehouse does not hold like this, and, as `withdrawn`, stored rows of the
    same codes and periods that the definitions do not give any more."""
    new = {value.key: value for value in values}
    codes = {value.code for value in values}
    found: list[Value] = []
    windows = sorted({(value.period_kind, value.period[:10]) for value in values})
    stored: set[tuple[str, str, str, str]] = set()
    for kind, period in windows:
        for row in con.execute(_SELECT, {"kind": kind, "period": period}).fetchall():
            old = Value(*row)
            stored.add(old.key)
            if old.key in new and new[old.key] != old:
                found.append(new[old.key])
            elif old.key not in new and old.code in codes:
                found.append(Value(**asdict(old) | {"state": "withdrawn"}))
    return found + [value for key, value in new.items() if key not in stored]


def of_day(con: duckdb.DuckDBPyConnection, code: str, day: str) -> dict[str, Value]:
    """The stored values of one code on one day, by unit."""
    sql = f"SELECT {_LIST} FROM indicator_value WHERE code = $code AND period_kind = 'day' AND period = $day"
    return {
        value.unit_code: value
        for value in (Value(*row) for row in con.execute(sql, {"code": code, "day": day}).fetchall())
    }


def put(con: duckdb.DuckDBPyConnection, values: Iterable[Value], cause: Cause | None = None) -> None:
    """Replace the rows of these values, inside the caller's transaction; `cause`: note those that were another number
    before as restated."""
    con.execute(_STAGE, {"rows": json.dumps([asdict(value) for value in values], ensure_ascii=False)})
    if cause is not None:
        restated.note(con, cause)
    con.execute(_DELETE)
    con.execute(_INSERT, {"as_of": clock.now()})


def changed_definitions(con: duckdb.DuckDBPyConnection, definitions: Iterable[Definition]) -> list[Definition]:
    """Definitions that the table `indicator` does not hold in this version."""
    stored = dict(con.execute(_DEFINITIONS).fetchall())
    return [definition for definition in definitions if stored.get(definition.code) != definition.sha256]


def put_definitions(con: duckdb.DuckDBPyConnection, definitions: Iterable[Definition]) -> None:
    """Replace rows of the table `indicator`, inside the caller's transaction."""
    rows = [
        {
            **item.model_dump(mode="json", include=set(_COLUMNS) - {"target", "tables"}),
            "title_zh": item.title.zh,
            "title_en": item.title.en,
            "target": None if item.target is None else json.dumps(item.target, ensure_ascii=False),
            "tables": ",".join(item.reads()),
            "definition_sha256": item.sha256,
        }
        for item in definitions
    ]
    if rows:
        con.execute(_STAGE_DEFINITIONS, {"rows": json.dumps(rows, ensure_ascii=False)})
        con.execute(_DELETE_DEFINITIONS)
        con.execute(_INSERT_DEFINITIONS)
