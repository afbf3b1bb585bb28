"""The words that a spec may hold, place by place: keys, values and what they mean, taken from the models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cityhub.spec.feed import FeedSpec

# What people type who know other tools; None as value of a place that has no such word.
OTHER_KEYS = {
    "url": "address", "host": "address", "uri": "address", "path": "address", "column": "from", "source": "from",
    "columns": "fields", "primary_key": "key", "keys": "key", "username": "user", "passwd": "password",
    "pwd": "password", "datatype": "type", "dtype": "type", "sep": "delimiter", "separator": "delimiter",
    "charset": "encoding", "sheet_name": "sheet", "name": "feed", "cron": "schedule", "deadline": "expected_by",
    "topics": "topic", "regex": "pattern", "timezone": "zone", "tz": "zone", "enabled": "active", "mapping": "codes",
    "header": "header_row", "file": "pattern", "minimum": "min", "maximum": "max", "nullable": "required",
}  # fmt: skip
OTHER_VALUES = {
    "string": "text", "str": "text", "varchar": "text", "char": "text", "int": "integer", "bigint": "integer",
    "long": "integer", "float": "double", "number": "double", "real": "double", "numeric": "decimal",
    "datetime": "timestamp", "time": "timestamp", "bool": "boolean", "mysql": "database", "postgresql": "database",
    "oracle": "database", "http": "rest", "https": "rest", "api": "rest", "csv": "files", "excel": "workbook",
    "sftp": "files", "xls": "xlsx", "txt": "csv", "gcj-02": "gcj02", "wgs-84": "wgs84", "bd-09": "bd09",
    "火星": "gcj02", "百度": "bd09", "是": "true", "否": "false",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What may stand at one place of a spec: its keys (of a mapping), its words (of a closed list)."""

    keys: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    description: str = ""
    kind: str = ""
    free: bool = False
    """Keys are the author's own (fields, codes)."""


@cache
def _schema() -> dict[str, Any]:
    return FeedSpec.model_json_schema(by_alias=True)


def place(path: tuple[str | int, ...], data: Any) -> Place:
    """What may stand at a path of a document; `data` decides between the kinds of a source, auth or paging."""
    node = _resolved(_schema(), data)
    for step in path:
        data = _child_of(data, step)
        if isinstance(step, int):
            node = node.get("items") or {}
        else:
            inner = node.get("properties", {}).get(step)
            node = inner if inner is not None else node.get("additionalProperties") or {}
        node = _resolved(node if isinstance(node, dict) else {}, data)
    extra = node.get("additionalProperties")
    return Place(
        keys=tuple(node.get("properties", {})),
        words=tuple(str(word) for word in node.get("enum", [node["const"]] if "const" in node else [])),
        description=str(node.get("description") or ""),
        kind=str(node.get("type") or ""),
        free=isinstance(extra, dict) or extra is True,
    )


def _child_of(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _resolved(node: dict[str, Any], data: Any) -> dict[str, Any]:
    """The node behind references; of several kinds the one that `kind` names, else of several types the first."""
    told = node.get("description")
    while True:
        if "$ref" in node:
            node = _schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        elif "discriminator" in node:
            refs = node["discriminator"]["mapping"]
            kind = data.get("kind") if isinstance(data, dict) else None
            node = {"$ref": refs[kind]} if kind in refs else {"properties": {"kind": {"enum": list(refs)}}}
        elif "anyOf" in node:
            node = next((item for item in node["anyOf"] if item.get("type") != "null"), {})
        else:
            return {**node, "description": told} if told else node


@cache
def homes() -> dict[str, tuple[str, ...]]:
    """Key → the parts of a spec in which it may stand, for a key that was written in the wrong one."""
    found: dict[str, list[str]] = {}
    for part in ("", "source", "arrives", "identity", "fields.…", "location", "unit", "owner", "contract", "watch"):
        found_keys = _keys_of(part)
        for key in found_keys:
            found.setdefault(key, []).append(part)
    return {key: tuple(parts) for key, parts in found.items()}


def _keys_of(part: str) -> set[str]:
    if part == "source":
        kinds = _schema()["properties"]["source"]["discriminator"]["mapping"]
        return {key for kind in kinds for key in place(("source",), {"source": {"kind": kind}}).keys}
    path: tuple[str, ...] = ("fields", "x") if part == "fields.…" else (part,) if part else ()
    return set(place(path, {}).keys)
