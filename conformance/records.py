"""Records as a source sends them: values at a source name, which is a key or a dotted path into nested objects."""

from __future__ import annotations

import copy
from typing import Any

Record = dict[str, Any]


def value(record: Record, source: str) -> Any:
    """What stands at a source name; None where nothing does."""
    if source in record:
        return record[source]
    found: Any = record
    for part in source.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def has(record: Record, source: str) -> bool:
    """Whether the name is there at all."""
    return source in record or value(record, source) is not None


def put(record: Record, source: str, new: Any) -> Record:
    """A copy with another value at a source name; a path that is not there is made."""
    changed = copy.deepcopy(record)
    if source in changed or "." not in source:
        changed[source] = new
        return changed
    holder: Any = changed
    *parents, last = source.split(".")
    for part in parents:
        holder = holder.setdefault(part, {})
    holder[last] = new
    return changed


def without(record: Record, source: str) -> Record:
    """A copy that lacks a source name."""
    changed = copy.deepcopy(record)
    if source in changed:
        del changed[source]
        return changed
    *parents, last = source.split(".")
    holder: Any = changed
    for part in parents:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder.pop(last, None)
    return changed


def columns(rows: list[Record]) -> list[str]:
    """Top-level names of all records, in order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))
