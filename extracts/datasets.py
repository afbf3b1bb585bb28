"""The datasets of an extract: keys, columns and their words, from `datasets.yaml`, and from the `details.yaml` of
publications those that are granted by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from scoring.publication.beside.model import Detail, details
from warehouse.names import identifier

FOLDER = Path(__file__).parent
FILE = FOLDER / "datasets.yaml"

# type → in SQL and Parquet; in JSON and CSV decimals are texts, so that no reader rounds them.
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "decimal": "DECIMAL(38, 18)",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "boolean": "BOOLEAN",
}
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
}


@dataclass(frozen=True)
class Column:
    """One column; `type` is one of `SQL_TYPES`, `zh` and `en` say what it holds."""

    name: str
    type: str
    nullable: bool
    zh: str
    en: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """One table. `key`: columns that together stand once, `period` first; `columns`: all, the common ones last;
    `unit_column`: the column that holds the assessed unit; `sources`: tables of the publication that it is made of;
    `by_grant`: only a key that names it may read it, and only a ferry that names it takes it."""

    id: str
    title_zh: str
    title_en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    unit_column: str | None
    sources: tuple[str, ...]
    by_grant: bool = False

    def column(self, name: str) -> Column:
        """The column of this name."""
        return next(item for item in self.columns if item.name == name)

    @property
    def own(self) -> tuple[Column, ...]:
        """Columns of the content: all but those that every dataset has; `period` is one of them."""
        return tuple(item for item in self.columns if item.name not in COMMON)

    @property
    def select(self) -> str:
        """SELECT over the publication's tables; empty for the dictionary, which is made of this file."""
        if self.by_grant:
            return f"SELECT getvariable('month') AS period, * FROM {identifier(self.id)}"
        path = FOLDER / "sql" / f"{self.id}.sql"
        return path.read_text(encoding="utf-8") if self.sources else ""

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of one row as it stands in NDJSON and in answers."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title_en,
            "description": self.title_zh,
            "type": "object",
            "properties": {item.name: property_of(item) for item in self.columns},
            "required": [item.name for item in self.columns],
            "additionalProperties": False,
        }


def property_of(column: Column) -> dict[str, Any]:
    """JSON Schema of a column's values."""
    found = dict(_JSON_TYPES[column.type])
    if column.values:
        found["enum"] = [*column.values, *([None] if column.nullable else [])]
    if column.nullable:
        found["type"] = [found["type"], "null"]
    return found | {"title": column.zh, "description": column.en}


COMMON = ("status", "revision", "supersedes", "source_as_of", "published_at")


def _column(name: str, stated: Mapping[str, Any]) -> Column:
    return Column(
        name, stated.get("type", "text"), bool(stated.get("null", False)), stated["zh"], stated["en"],
        tuple(stated.get("values", ())),
    )  # fmt: skip


def _read() -> Mapping[str, Dataset]:
    content = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    common = [_column(name, stated) for name, stated in content["every"].items()]
    found = {}
    for name, stated in content["datasets"].items():
        own = [_column(column, words) for column, words in stated["columns"].items()]
        unit = "unit" if any(column.name == "unit" for column in own) else None
        found[name] = Dataset(
            name, stated["zh"], stated["en"], tuple(stated["key"]), (*own, *common), unit, tuple(stated["of"])
        )
    for name, detail in details().items():
        found[name] = _granted(name, detail, common)
    return MappingProxyType(found)


def _granted(name: str, detail: Detail, common: list[Column]) -> Dataset:
    own = [
        Column("period", "text", False, "月份", "Month in which its service day lies"),
        Column("service_day", "date", True, "业务日", "Service day"),
        Column("unit", "text", True, "单位编码", "Assessed unit; empty: not known"),
        *(Column(key, item.type, item.null, item.zh, item.en) for key, item in detail.columns.items()),
    ]
    return Dataset(name, detail.zh, detail.en, ("period", *detail.key), (*own, *common), "unit", (name,), by_grant=True)


DATASETS: Mapping[str, Dataset] = _read()
