"""What a month's score reads, as plain rows: from the lake or from the files of a publication, the same way.

Each input is one .sql file. A publication stores the answer of each of them, so that its score can be
computed again from the publication alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from cityhub.clock import month_bounds
from warehouse.names import literal

FOLDER = Path(__file__).parent / "sql"

# Tables of the manual feeds exist from their first load on; until then they are empty.
OPTIONAL: dict[str, tuple[str, str]] = {
    "input_special": (
        "manual_special",
        "month VARCHAR, campaign VARCHAR, unit VARCHAR, score DECIMAL(18, 4)",
    ),
    "input_office": ("manual_office", "office VARCHAR, unit VARCHAR, score DECIMAL(18, 4)"),
    "input_digital": ("manual_digital", "unit VARCHAR, score DECIMAL(18, 4), reason VARCHAR"),
    "input_event": (
        "manual_event",
        "event_id VARCHAR, rule VARCHAR, level VARCHAR, unit VARCHAR, count BIGINT, decided_on DATE, "
        "reported_on DATE, occurred_on DATE, evidence VARCHAR, note VARCHAR",
    ),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Rows by input, in a fixed order. Names are those of the .sql files without `input_`."""

    unit: list[Row]
    platform: list[Row]
    special: list[Row]
    office: list[Row]
    digital: list[Row]
    event: list[Row]
    value: list[Row]
    standing: list[Row]
    season: list[Row]


INPUTS = tuple(f"input_{item.name}" for item in fields(Tables))


@cache
def statement(name: str) -> str:
    """The text of one .sql file."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def set_month(con: duckdb.DuckDBPyConnection, scheme: str, month: str) -> None:
    """Set the variables that the .sql files read. Literals, not bound parameters: those import pandas."""
    first, end = month_bounds(month)
    rolling = f"{first.year - 1}-{first.month:02d}"
    for name, value in {
        "scheme": literal(scheme),
        "month": literal(month),
        "month_first": f"DATE {literal(first.isoformat())}",
        "month_end": f"DATE {literal(end.isoformat())}",
        "year_first": literal(f"{first.year}-01"),
        "rolling_first": literal(rolling),
    }.items():
        con.execute(f"SET VARIABLE {name} = {value}")


def queries(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """input → SELECT over the lake; an empty relation where a manual feed has never been loaded."""
    there = {
        row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    }
    found: dict[str, str] = {}
    for name in INPUTS:
        table, columns = OPTIONAL.get(name, (None, ""))
        found[name] = statement(name) if table is None or table in there else _empty(columns)
    return found


def _empty(columns: str) -> str:
    """SELECT of no rows with these columns; `columns` is a constant of this module."""
    casts = []
    for column in columns.replace("(18, 4)", "(18;4)").split(", "):
        name, kind = column.split(" ", 1)
        casts.append(f"CAST(NULL AS {kind.replace(';', ', ')}) AS {name}")
    return f"SELECT {', '.join(casts)} WHERE FALSE"


def read(con: duckdb.DuckDBPyConnection, selects: Mapping[str, str]) -> Tables:
    """All inputs as rows; `set_month` was called before."""
    return Tables(**{name.removeprefix("input_"): list(rows(con, selects[name])) for name in INPUTS})


def rows(con: duckdb.DuckDBPyConnection, select: str) -> Iterator[Row]:
    """The rows of a SELECT as dictionaries."""
    answer = con.execute(select)
    names = [column[0] for column in answer.description or ()]
    for values in answer.fetchall():
        yield dict(zip(names, values, strict=True))
