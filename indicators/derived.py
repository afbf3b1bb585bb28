"""What a derived table is: one YAML file in `indicators/tables/` with its inputs, its key and its SQL.

Its columns stand in a migration and its words in `warehouse/dictionary.yaml`, as for every table of the hub.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from cityhub.errors import Stop
from indicators import lint
from indicators.limit import Limit

FOLDER = Path(__file__).resolve().parent / "tables"
REFERENCE_TABLES = frozenset({"unit", "calendar_day", "company"})
MADE = frozenset({"hour_of_day", "working_span"})  # by indicators/views.py


class Derived(BaseModel):
    """One table. `sql` gives the rows of one service day, all columns but `service_day`; it may look back to the
    day before (`$day_before`), and then a changed day changes the next one too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    about: str = Field(min_length=1, description="what a row is, and to which day it belongs")
    reads: list[str] = Field(min_length=1, description="canonical tables")
    key: list[str] = Field(min_length=1, description="what makes a row of a day one")
    limits: dict[str, Limit] = Field(default_factory=dict)
    sql: str

    @property
    def looks_back(self) -> bool:
        """Whether the rows of a day depend on the day before."""
        return "day_before" in lint.parameters(self.sql)


@cache
def read_all(folder: Path = FOLDER) -> dict[str, Derived]:
    """All derived tables by name. Raises `Stop` CH-IND-001 (form) or CH-IND-002 (SQL)."""
    found = [_read(path) for path in sorted(folder.glob("*.yaml"))]
    return {table.table: table for table in found}


def looks_back(names: Iterable[str]) -> bool:
    """Whether any of these tables depends on the day before."""
    return any(read_all()[name].looks_back for name in names)


def idle(asked: set[str], moved: set[str]) -> set[str]:
    """Tables that nobody asks for and that came out as before on a day where rows of `moved` alone changed: a day is
    computed again for the day before it, too."""
    every = read_all().values()
    return {table.table for table in every if not table.looks_back and not set(table.reads) & moved} - asked


def _read(path: Path) -> Derived:
    def refused(field: str, problem: str) -> Stop:
        return Stop("CH-IND-001", file=str(path), indicator=path.stem, field=field, problem=problem)

    try:
        raw: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        table = Derived.model_validate(raw)
    except (MarkedYAMLError, UnicodeDecodeError) as error:
        raise refused("file", str(error).splitlines()[0]) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise refused(".".join(str(part) for part in first["loc"]), first["msg"]) from None
    if table.table != path.stem:
        raise refused("table", f"the file is named {path.stem}")
    allowed = {*table.reads, *REFERENCE_TABLES, *MADE}
    lint.refuse(table.sql, allowed, table.limits, path=path, indicator=table.table, field="sql")
    return table
