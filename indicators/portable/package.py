"""Everything that a second engine needs to compute a period: tables as Parquet files, statements as SQL files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from indicators import derived
from indicators.definitions import Definition
from indicators.limit import Limit
from indicators.period import Period, of_day
from indicators.portable import clickhouse, export
from indicators.run import COUNTY

TABLES, DERIVED, INDICATORS = "tables", "derived", "indicators"


def write(
    con: duckdb.DuckDBPyConnection, definitions: Mapping[str, Definition], period: Period, folder: Path
) -> dict[str, int]:
    """Fill an empty folder; what was written, by kind.

    `setup.sql` (settings, functions, tables), `tables/<table>.parquet`, `derived/<table>.<day>.sql` and
    `indicators/<code>.<sql or hour_sql>.<kind of unit>.sql`. Tables are those that the views of `con` show; file names
    are relative to the folder.
    """
    made = derived.read_all()
    names = {name for item in definitions.values() for name in (*item.reads(), *item.derived)}
    names |= {table for name in names & set(made) for table in made[name].reads}
    columns = export.export(con, names | derived.REFERENCE_TABLES | derived.MADE, folder / TABLES)
    setup = [f"SET {name} = {value}" for name, value in clickhouse.SETTINGS.items()] + clickhouse.setup()
    for table, kinds in columns.items():
        setup += clickhouse.create(table, kinds, f"{TABLES}/{table}.parquet")
    _put(folder / "setup.sql", ";\n".join(text.strip() for text in setup))
    for name in sorted(names & set(made)):
        for day in period.days():
            _put(folder / DERIVED / f"{name}.{day}.sql", _statement(made[name].sql, of_day(day), made[name].limits))
    statements = 0
    for definition in definitions.values():
        for field, text in definition.statements():
            for kind, column in units(definition).items():
                sql = _statement(text.replace("{unit}", column), period, definition.limits)
                _put(folder / INDICATORS / f"{definition.code}.{field}.{kind}.sql", sql)
                statements += 1
    return {"tables": len(columns), "derived": len(names & set(made)), "statements": statements}


def units(definition: Definition) -> dict[str, str]:
    """Kind of unit → what {unit} stands for; the county where it is no sum of the others."""
    alone = definition.county == "run" or not definition.unit_columns
    return {**definition.unit_columns, **({COUNTY: "CAST(NULL AS VARCHAR)"} if alone else {})}


def _statement(sql: str, period: Period, limits: Mapping[str, Limit]) -> str:
    return clickhouse.statement(sql, period.parameters() | {name: limit.value for name, limit in limits.items()})


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.rstrip() + ";\n", encoding="utf-8")
