"""Tables of the exchange database as the vendors made them, and the SQL that fills them; three dialects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Dialect = Literal["postgresql", "mariadb", "sqlite"]


@dataclass(frozen=True)
class ExchangeTable:
    """One table. `keep`: days = each day's rows stay; latest = a register, replaced; living = rows that
    change, the newest by `version` for each `key`. A name `v_…` is a view over the table `t_…`."""

    name: str
    keep: Literal["days", "latest", "living"]
    schema: pa.Schema
    key: str = ""
    version: str = ""

    @property
    def base(self) -> str:
        """The table behind the name."""
        return "t_" + self.name[2:] if self.name.startswith("v_") else self.name

    @property
    def stamps(self) -> list[str]:
        """Columns by which readers select."""
        if self.keep == "living":
            return [self.version]
        return [item.name for item in self.schema if pa.types.is_timestamp(item.type)]


def quoted(name: str, dialect: Dialect) -> str:
    """An identifier, quoted."""
    mark = "`" if dialect == "mariadb" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def sql_type(kind: pa.DataType, dialect: Dialect) -> str:
    """The vendor's type: no floats, no zones."""
    if pa.types.is_floating(kind):
        return "NUMERIC(18,6)"
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_timestamp(kind):
        return {"mariadb": "DATETIME", "postgresql": "TIMESTAMP", "sqlite": "TIMESTAMP"}[dialect]
    if pa.types.is_date(kind):
        return "DATE"
    if pa.types.is_boolean(kind):
        return "SMALLINT"
    return "VARCHAR(255)"


def create(table: ExchangeTable, dialect: Dialect) -> list[str]:
    """Statements that make the table (and view) anew."""
    name = quoted(table.base, dialect)
    columns = ", ".join(f"{quoted(item.name, dialect)} {sql_type(item.type, dialect)}" for item in table.schema)
    unlogged = "UNLOGGED " if dialect == "postgresql" else ""
    statements = [f"CREATE {unlogged}TABLE {name} ({columns})"]
    if table.base != table.name:
        listed = ", ".join(quoted(item.name, dialect) for item in table.schema)
        statements.append(f"CREATE VIEW {quoted(table.name, dialect)} AS SELECT {listed} FROM {name}")
    return statements


def indices(table: ExchangeTable, dialect: Dialect) -> list[str]:
    """One index for each column that readers select by; rows stand in time order, so block ranges do."""
    using = " USING brin" if dialect == "postgresql" and table.keep == "days" else ""
    return [
        f"CREATE INDEX {quoted(f'ix_{table.base}_{column}', dialect)} ON {quoted(table.base, dialect)}{using}"
        f" ({quoted(column, dialect)})"
        for column in table.stamps
    ]


def merge(table: ExchangeTable, staged: str, dialect: Dialect) -> list[str]:
    """From `staged` into the living table: newer rows replace, unknown ones come in, older ones stay out."""
    name, other = quoted(table.base, dialect), quoted(staged, dialect)
    key, version = quoted(table.key, dialect), quoted(table.version, dialect)
    return [
        f"DELETE FROM {name} WHERE EXISTS (SELECT 1 FROM {other} AS s"
        f" WHERE s.{key} = {name}.{key} AND s.{version} > {name}.{version})",
        f"DELETE FROM {other} WHERE {key} IN (SELECT {key} FROM {name})",
        f"INSERT INTO {name} SELECT * FROM {other}",
    ]
