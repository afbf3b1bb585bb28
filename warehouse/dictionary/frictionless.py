"""The dictionary as a Frictionless Data Package 2.0: one resource a table, its schema, keys and units.

`unit` of a field, `usage` and `parquet` of a resource are properties of ours, which the standard allows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from warehouse.dictionary.entry import Column, Table, Text

PROFILE = "https://datapackage.org/profiles/2.0/{}.json"
_TYPES = {
    "VARCHAR": ("string", None),
    "BOOLEAN": ("boolean", None),
    "DATE": ("date", None),
    "TIMESTAMP WITH TIME ZONE": ("datetime", "any"),
    "INTEGER": ("integer", None),
    "BIGINT": ("integer", None),
    "HUGEINT": ("integer", None),
    "DOUBLE": ("number", None),
}
LINE = 120
DIALECT = {"header": True, "delimiter": ",", "quoteChar": '"', "doubleQuote": True}


def package(name: str, title: Text, about: Text, resources: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The descriptor of a whole package."""
    return {
        "$schema": PROFILE.format("datapackage"),
        "name": name,
        "title": f"{title.zh} {title.en}",
        "description": f"{about.zh}。 {about.en}.",
        "resources": list(resources),
    }


def text(value: Any, indent: int = 0) -> str:
    """JSON with one field or sentence a line: people read it and compare versions of it."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(line) <= LINE:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(key)}: {text(item, indent + 1)}" for key, item in value.items()]
    else:
        inner = [
            pad + (json.dumps(item, ensure_ascii=False) if indent > 3 else text(item, indent + 1)) for item in value
        ]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n" + ",\n".join(inner) + f"\n{' ' * indent}{closed}"


def resource(table: Table, *, among: Collection[str], **more: Any) -> dict[str, Any]:
    """One table, as a CSV file beside the descriptor. Keys that point to a table that is not `among` the package's
    are left out, because a reader could not follow them; `more`: properties of the resource, such as its hash."""
    schema: dict[str, Any] = {
        "$schema": PROFILE.format("tableschema"),
        "fields": [_field(column) for column in table.columns],
        "missingValues": [""],
        "primaryKey": list(table.key),
    }
    keys = [
        {"fields": [item.column], "reference": {"resource": item.table, "fields": [item.target]}}
        for item in table.references
        if item.table in among
    ]
    if keys:
        schema["foreignKeys"] = keys
    return {
        "$schema": PROFILE.format("dataresource"),
        "name": table.name,
        "type": "table",
        "path": f"{table.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": DIALECT,
        "title": f"{table.title.zh} {table.title.en}",
        "description": f"{table.grain.zh}。 {table.grain.en}.",
        "usage": [{"zh": warning.zh, "en": warning.en} for warning in table.warnings],
        **more,
        "schema": schema,
    }


def _field(column: Column) -> dict[str, Any]:
    kind, form = _TYPES.get(column.type, ("number" if column.type.startswith("DECIMAL") else "any", None))
    constraints: dict[str, Any] = {}
    if column.empty is None:
        constraints["required"] = True
    if kind in {"integer", "number"}:
        for name, bound in (("minimum", column.minimum), ("maximum", column.maximum)):
            if bound is not None:
                constraints[name] = int(bound) if bound == int(bound) else bound
    if column.pattern and kind == "string":
        constraints["pattern"] = column.pattern
    if column.codes:
        constraints["enum"] = list(column.codes)
    about = f"{column.title.en}."
    if column.empty is not None:
        about += f" 空值：{column.empty.zh}。 Empty: {column.empty.en}."
    field: dict[str, Any] = {"name": column.name, "type": kind}
    if form:
        field["format"] = form
    field |= {"title": column.title.zh, "description": about}
    if column.unit:
        field["unit"] = column.unit
    if constraints:
        field["constraints"] = constraints
    return field
