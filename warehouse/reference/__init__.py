"""Reference data: assessed units and their boundaries, platforms, companies, the working calendar.

The files beside this module are the truth; the dimension tables are replaced as a whole when a file changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.errors import Stop
from cityhub.settings import Settings
from warehouse import lake
from warehouse.names import identifier, identifiers
from warehouse.prepared import digest, stamp, stamps

FOLDER = Path(__file__).parent
FILES = ("units.yaml", "units.geojson", "platforms.yaml", "companies.yaml", "calendar.yaml")
PART = "reference"

# The order of the values that `_rows` and the calendar give.
COLUMNS: dict[str, tuple[str, ...]] = {
    "unit": ("unit_code", "name_zh", "name_en", "kind", "league", "sort", "source", "confidence"),
    "platform": ("platform", "name_zh", "name_en", "owner_unit", "sort"),
    "company": ("company_code", "name_zh", "kind", "source"),
    "calendar_day": ("day", "day_id", "month", "weekday", "working", "holiday", "heating"),
}


def sha256(folder: Path = FOLDER) -> str:
    """The content of the reference files and of the code that reads them."""
    code = [*sorted(FOLDER.glob("*.py")), FOLDER.parent / "geometry.py"]
    return digest(path.read_bytes() for path in [*(folder / name for name in FILES), *code])


def load(con: duckdb.DuckDBPyConnection, settings: Settings, *, folder: Path = FOLDER) -> bool:
    """Fill the dimensions from the files in one transaction; False, and nothing written, when they stand.

    Raises `Stop` CH-REF-001 that names the file; the tables then keep what they had.
    """
    content = sha256(folder)
    if stamps(con).get(PART) == content:
        return False
    rows = _rows(folder)
    with lake.write(con, settings, "reference data"):
        if stamps(con).get(PART) == content:
            return False
        for table, columns in COLUMNS.items():
            con.execute(f"DELETE FROM {identifier(table)}")
            _insert(con, table, columns, rows[table])
        _boundaries(con, folder / "units.geojson", {row[0] for row in rows["unit"]})
        stamp(con, PART, content)
    return True


def office_minutes(folder: Path = FOLDER) -> list[tuple[int, int]]:
    """The offices' hours on a working day as minutes of the day, in order."""
    from warehouse.reference import calendar

    return calendar.office_minutes(_read(folder / "calendar.yaml"))


def heating(folder: Path = FOLDER) -> dict[str, str]:
    """First and last month-day of the heating season: `{"from": "11-15", "to": "03-15"}`."""
    return dict(_read(folder / "calendar.yaml")["heating"])


def platforms(folder: Path = FOLDER) -> list[dict[str, str]]:
    """The platforms in their order: `platform`, `zh`, `en`, and `owner` where there is one."""
    return list(_read(folder / "platforms.yaml")["platforms"])


def _read(path: Path) -> dict[str, Any]:
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise Stop("CH-REF-001", file=str(path), detail=str(error).splitlines()[0]) from None
    return dict(content)


def _rows(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    from warehouse.reference import calendar

    name = ""
    try:
        name = "units.yaml"
        raw = _read(folder / name)
        units = [
            (*(u["code"], u["zh"], u["en"], u["kind"], u.get("league"), sort), *_grounds(raw["source"], u))
            for sort, u in enumerate(raw["units"], 1)
        ]
        known = _unique(row[0] for row in units)
        name = "platforms.yaml"
        platforms = [
            (p["platform"], p["zh"], p["en"], p.get("owner"), sort)
            for sort, p in enumerate(_read(folder / name)["platforms"], 1)
        ]
        _unique(row[0] for row in platforms)
        if strangers := {row[3] for row in platforms} - known - {None}:
            raise ValueError(f"owner {min(strangers)} is not among the units")
        name = "companies.yaml"
        companies = [(c["code"], c["zh"], c["kind"], c["source"]) for c in _read(folder / name)["companies"]]
        _unique(row[0] for row in companies)
        name = "calendar.yaml"
        days = list(calendar.days(_read(folder / name)))
    except (KeyError, TypeError, ValueError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise Stop("CH-REF-001", file=str(folder / name), detail=detail) from None
    return {"unit": units, "platform": platforms, "company": companies, "calendar_day": days}


def _grounds(document: str, unit: dict[str, str]) -> tuple[str, str]:
    """Source and confidence of a unit: only what the document states is the document's."""
    return (document if unit["confidence"] == "stated" else "proposed"), unit["confidence"]


def _unique(codes: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise ValueError(f"{code} stands twice")
        seen.add(code)
    return seen


def _insert(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows in one statement, over numpy columns: `executemany` commits row by row into DuckLake."""
    import numpy as np

    arrays = {}
    for number, column in enumerate(columns):
        values = [row[number] for row in rows]
        texts = [value.isoformat() if isinstance(value, date | datetime) else value for value in values]
        arrays[column] = np.array(texts, dtype=object if None in texts or isinstance(texts[0], str) else None)
    _insert_arrays(con, table, arrays)


def _insert_arrays(con: duckdb.DuckDBPyConnection, table: str, arrays: dict[str, Any]) -> None:
    names = identifiers(tuple(arrays))
    con.register("reference_rows", arrays)
    con.execute(f"INSERT INTO {identifier(table)} ({names}) SELECT {names} FROM reference_rows")
    con.unregister("reference_rows")


def _boundaries(con: duckdb.DuckDBPyConnection, path: Path, known: set[str]) -> None:
    from warehouse import geometry

    boundaries = geometry.read_boundaries(path)
    if strangers := set(boundaries) - known:
        raise Stop("CH-REF-001", file=str(path), detail=f"{min(strangers)} is not among the units")
    made = geometry.grid(boundaries)
    con.execute("DELETE FROM unit_cell")
    con.execute("DELETE FROM unit_edge")
    cells: dict[str, Any] = {"cell_x": made.cell_x, "cell_y": made.cell_y}
    cells |= {"unit_code": made.cell_unit.astype(object), "whole": made.cell_whole}
    _insert_arrays(con, "unit_cell", cells)
    edges: dict[str, Any] = {"unit_code": made.edge_unit.astype(object)}
    edges |= {"cell_x": made.edge_x, "cell_y": made.edge_y}
    edges |= {name: made.edge_ends[:, number].copy() for number, name in enumerate(("x1", "y1", "x2", "y2"))}
    _insert_arrays(con, "unit_edge", edges)
