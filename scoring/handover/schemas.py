"""The contract as JSON Schema (2020-12), one a dataset and one for the manifest, to lie beside the data."""

from __future__ import annotations

from typing import Any

from scoring.handover.contract import FORMATS, SOURCES, VALUELESS, Column, contract

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DECIMAL = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "decimal": {"type": "string", "pattern": DECIMAL},
    "integer": {"type": "integer", "minimum": 0},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
}
_TEXT = {"type": "string", "minLength": 1}
_SHA = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def all_schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    names = contract().datasets
    return {f"{name}.schema.json": dataset(name) for name in names} | {"manifest.schema.json": manifest()}


def dataset(name: str) -> dict[str, Any]:
    """The schema of a dataset's JSON file: an array of rows."""
    stated = contract().datasets[name]
    row: dict[str, Any] = {
        "type": "object",
        "required": list(stated.fields),
        "properties": {column: _column(field) for column, field in stated.fields.items()},
        "additionalProperties": True,
    }
    if name == "indicator_value":
        row["allOf"] = [
            {
                "if": {"properties": {"state": {"enum": list(VALUELESS)}}},
                "then": {"properties": {"value": {"type": "null"}, "reason": _TEXT}},
                "else": {"properties": {"value": {"type": "string"}}},
            },
            {
                "if": {"properties": {"state": {"const": "provisional"}}},
                "then": {"properties": {"reason": _TEXT}},
            },
        ]
    zh, en = stated.about
    return {
        "$schema": DIALECT,
        "$id": _id(name),
        "title": f"{zh} {en}",
        "description": f"Key: {', '.join(stated.key)}. Decimals are text, so that nobody rounds them.",
        "type": "array",
        "items": row,
    }


def manifest() -> dict[str, Any]:
    """The schema of `manifest.json`."""
    file = {
        "type": "object",
        "required": ["path", "dataset", "format", "rows", "bytes", "sha256"],
        "properties": {
            "path": _TEXT,
            "dataset": _TEXT,
            "format": {"enum": [*FORMATS]},
            "rows": {"type": "integer", "minimum": 0},
            "bytes": {"type": "integer", "minimum": 0},
            "sha256": _SHA,
        },
    }
    properties: dict[str, Any] = {
        "contract": {"const": contract().contract},
        "version": {"type": "string", "pattern": rf"^{contract().major}\.\d+\.\d+$"},
        "producer": _TEXT,
        "producer_version": _TEXT,
        "source": {"enum": [*SOURCES]},
        "publication": {"type": ["integer", "null"], "minimum": 1},
        "status": _TEXT,
        "period": {"type": "string", "pattern": r"^\d{4}-\d\d(-\d\d)?$"},
        "made_at": {"type": "string", "format": "date-time"},
        "content_sha256": _SHA,
        "files": {"type": "array", "minItems": 1, "items": file},
        "schemas": {
            "type": "array",
            "items": {"type": "object", "required": ["path", "sha256"], "properties": {"path": _TEXT, "sha256": _SHA}},
        },
    }
    return {
        "$schema": DIALECT,
        "$id": _id("manifest"),
        "title": "交接清单 Manifest of the indicator feed",
        "type": "object",
        "required": [name for name in properties if name not in {"schemas", "content_sha256"}],
        "properties": properties,
        "if": {"properties": {"source": {"const": "publication"}}},
        "then": {"properties": {"publication": {"type": "integer"}}},
        "else": {"properties": {"publication": {"type": "null"}}},
    }


def _id(name: str) -> str:
    stated = contract()
    return f"urn:{stated.contract.replace('.', ':')}:{stated.version}:{name}"


def _column(field: Column) -> dict[str, Any]:
    kind = dict(_TYPES[field.type])
    if field.values:
        kind |= {"enum": list(field.values)}
    if not field.required:
        kind["type"] = [kind["type"], "null"]
    return {"title": field.zh, "description": field.en} | kind
