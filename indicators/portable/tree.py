"""The syntax tree of a statement, from DuckDB's own parser: nodes are dicts with `type` and mostly `class`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

Node = dict[str, Any]
_PARSE = "SELECT json_serialize_sql($sql, skip_null := true, skip_empty := true, skip_default := true)"


def parse(sql: str) -> list[Node]:
    """One tree a SELECT statement. Raises `ValueError` with the parser's words and the byte where it gave up."""
    row = _parser().cursor().execute(_PARSE, {"sql": sql}).fetchone()
    told: Node = json.loads(row[0]) if row else {"error": True}
    if told["error"]:
        raise ValueError(str(told.get("error_message", "not SQL")), int(told.get("position", 0)))
    nodes: list[Node] = [statement["node"] for statement in told["statements"]]
    return nodes


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def children(node: Node | list[Any]) -> Iterator[Node]:
    """The nodes directly below: those of lists and of dicts that are no node themselves included."""
    inner = node.values() if isinstance(node, dict) else node
    for item in inner:
        if isinstance(item, dict) and ("type" in item or "class" in item) and not isinstance(item.get("type"), dict):
            yield item
        elif isinstance(item, dict | list):
            yield from children(item)


def within(node: Node) -> Iterator[Node]:
    """The node and all below it in the same SELECT: sub-selects are left out."""
    yield node
    for child in children(node):
        if child.get("type") not in {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"}:
            yield from within(child)


def selects(node: Node) -> Iterator[Node]:
    """All SELECTs of a statement, those that others read first."""
    for child in children(node):
        yield from selects(child)
    if node.get("type") == "SELECT_NODE":
        yield node


def place(node: Node) -> int | None:
    """The first byte that the node or one below it names."""
    known = [item["query_location"] for item in within(node) if "query_location" in item]
    return min(known, default=None)


def name_of(node: Node) -> str:
    """What a column of the select list is called; empty where the engine would invent a name."""
    if node.get("alias"):
        return str(node["alias"])
    return str(node["column_names"][-1]) if node.get("class") == "COLUMN_REF" else ""
