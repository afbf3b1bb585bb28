"""What single expressions break of the subset; each check gives (rule, node, what stands there)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from indicators.portable.subset import AGGREGATES, FUNCTIONS, OPERATORS, TYPES, WINDOWS
from indicators.portable.tree import Node

Found = Iterator[tuple[str, Node, str]]
_CLASSES = set(
    "CASE CAST COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR PARAMETER BETWEEN WINDOW".split()
)
_OPERATORS = set(
    "COMPARE_IN COMPARE_NOT_IN OPERATOR_COALESCE OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_NOT".split()
)
_INTERVAL = {"to_years", "to_months", "to_days", "to_hours", "to_minutes", "to_seconds", "to_milliseconds", "to_weeks"}
_DATES = {"day_from", "day_to", "day_before", "service_day"}
_PASSED_ON = {"min", "max", "count"}


def check(node: Node, parameters: Collection[str], stamps: Collection[str]) -> Found:
    """All that is wrong with this node, its children aside."""
    kind = node.get("class")
    if kind is None:
        return
    if kind == "STAR":
        yield "star", node, "*" if not node.get("columns") else "COLUMNS"
    elif kind == "SUBQUERY":
        yield "subquery", node, "a SELECT inside an expression"
    elif kind not in _CLASSES or (kind == "OPERATOR" and node["type"] not in _OPERATORS):
        yield "expression", node, str(node["type"]).replace("_", " ").lower()
    elif kind == "COMPARISON" and "DISTINCT_FROM" in node["type"]:
        yield "expression", node, "IS DISTINCT FROM"
    elif kind == "COLUMN_REF":
        yield from _column(node)
    elif kind == "PARAMETER" and node["identifier"] not in parameters:
        yield "parameter", node, f"unknown parameter ${node['identifier']}"
    elif kind in {"COMPARISON", "BETWEEN"}:
        yield from _stamps(node, [node.get(side) for side in ("left", "right", "input", "lower", "upper")], stamps)
    elif kind == "OPERATOR" and node["type"].endswith("_IN") and any(map(_null, node["children"])):
        yield "null_list", node, "IN with NULL"
    elif kind == "CAST":
        yield from _cast(node)
    elif kind == "WINDOW":
        yield from _window(node, stamps)
    elif kind == "FUNCTION":
        yield from _function(node, stamps)


def _column(node: Node) -> Found:
    names = node["column_names"]
    if any(name != name.lower() for name in names):
        yield "spelling", node, f"the name {'.'.join(names)}"
    if len(names) > 2:
        yield "expression", node, ".".join(names)


def _function(node: Node, stamps: Collection[str]) -> Found:
    name, inner = node["function_name"].lower(), node.get("children", [])
    if name in _INTERVAL:
        yield "time_stamp", node, "INTERVAL"
    elif node.get("is_operator") and name not in OPERATORS:
        yield "operator", node, f"operator {name.replace('~~', 'LIKE')}"
    elif node.get("is_operator"):
        if any(_name(child) in _DATES for child in inner):
            yield "time_stamp", node, f"{name} on a date"
        yield from _stamps(node, inner, stamps)
        if name == "/" and not _safe(inner[1]):
            yield "divisor", node, "a divisor that may be zero"
    elif len(inner) not in FUNCTIONS.get(name, ()):
        yield "function", node, f"function {name}" + (f" with {len(inner)} arguments" if name in FUNCTIONS else "")
    else:
        if name not in _PASSED_ON:
            yield from _stamps(node, inner, stamps)
        if "filter" in node:
            yield "filter", node, f"FILTER behind {name.upper()}"
        if node["order_bys"].get("orders") or (node.get("distinct") and name != "count"):
            yield "aggregate", node, f"ORDER BY or DISTINCT in {name.upper()}"


def _cast(node: Node) -> Found:
    kind, child = node["cast_type"]["id"], node["child"]
    if kind == "BOOLEAN" and child.get("class") == "CONSTANT":
        return  # TRUE and FALSE
    if kind not in TYPES or node.get("try_cast"):
        yield "cast_type", node, f"{'TRY_CAST' if node.get('try_cast') else 'CAST'} AS {kind}"
    elif kind in {"BIGINT", "INTEGER"} and child.get("function_name") not in {"floor", "ceil"}:
        yield "cast_whole", node, f"CAST AS {kind}"
    elif kind == "VARCHAR" and not _null(child):
        yield "cast_text", node, "CAST AS VARCHAR"


def _window(node: Node, stamps: Collection[str]) -> Found:
    name = node["function_name"].lower()
    if name not in WINDOWS or {"offset_expr", "default_expr", "ignore_nulls", "exclude_clause", "distinct"} & set(node):
        yield "window", node, f"{name.upper()} OVER"
    if "filter_expr" in node or "filter" in node:
        yield "filter", node, f"FILTER behind {name.upper()}"
    ordered, rows = "orders" in node, node.get("end", "").endswith("ROWS") or node.get("start", "").endswith("ROWS")
    if name not in AGGREGATES and not ordered:
        yield "window_order", node, f"{name.upper()} without ORDER BY"
    elif name in AGGREGATES and ordered and not rows:
        yield "window_order", node, f"{name.upper()} over ORDER BY without ROWS BETWEEN"
    yield from _stamps(node, [order["expression"] for order in node.get("orders", [])], stamps)


def _stamps(node: Node, used: list[Node | None], stamps: Collection[str]) -> Found:
    for item in used:
        if item is not None and (_name(item) in stamps or item.get("cast_type", {}).get("id") == "INTERVAL"):
            yield "time_stamp", node, f"the time stamp {_name(item)}"


def _name(node: Node) -> str:
    return str(node.get("identifier") or (node.get("column_names") or [""])[-1])


def _null(node: Node) -> bool:
    return node.get("class") == "CONSTANT" and bool(node["value"].get("is_null"))


def _safe(node: Node) -> bool:
    """Never zero: a number other than zero, a limit, NULLIF(…, 0)."""
    if node.get("class") == "CONSTANT":
        return node["value"].get("value") not in {0, None}
    return node.get("class") == "PARAMETER" or node.get("function_name") == "nullif"
