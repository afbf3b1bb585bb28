"""What whole SELECTs break of the subset: tables, joins, groups, names, and sums that depend on the order of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from indicators.portable.tree import Node, children, name_of, within

Found = Iterator[tuple[str, Node, str]]
Inexact = dict[str, set[str]]  # by step or alias: the columns that hold computed doubles
_DOUBLES = {"/", "sqrt", "power", "log10", "sin", "cos", "radians", "avg", "p95"}
_WHOLE = {"floor", "ceil", "count", "count_star"}


def check_select(node: Node, tables: Collection[str], steps: Collection[str]) -> Found:
    """Everything of one SELECT but its expressions."""
    if "qualify" in node:
        yield "qualify", node["qualify"], "QUALIFY"
    for modifier in node.get("modifiers", []):
        if modifier["type"] != "DISTINCT_MODIFIER" or "distinct_on_targets" in modifier:
            yield "ordering", node, modifier["type"].split("_")[0].replace("DISTINCT", "DISTINCT ON")
    if "sample" in node:
        yield "ordering", node, "SAMPLE"
    yield from _groups(node)
    for step in node.get("cte_map", {}).get("map", []):
        if step["key"] in tables or "aliases" in step["value"]:
            yield "step", step["value"]["query"]["node"], f"the step {step['key']}"
    source = node.get("from_table", {"type": "EMPTY"})
    for item in within(source):
        if "ref_type" in item:
            yield from _join(item)
        elif item["type"] in {"TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT", "SHOW_REF", "COLUMN_DATA"}:
            yield "table", item, item["type"].replace("_", " ").lower()
        elif item["type"] == "BASE_TABLE":
            name = item["table_name"]
            if "schema_name" in item or name not in {*tables, *steps}:
                yield "table", item, f"table {name} is not declared"
            if "sample" in item:
                yield "ordering", item, "SAMPLE"
    yield from _aliases(node, joined=any("ref_type" in item for item in within(source)))


def _groups(node: Node) -> Found:
    groups = node.get("group_expressions", [])
    plain = node.get("group_sets", [list(range(len(groups)))]) == [list(range(len(groups)))]
    if node.get("aggregate_handling") == "FORCE_AGGREGATES":
        yield "grouping", node, "GROUP BY ALL"
    elif not plain:
        yield "grouping", node, "ROLLUP, CUBE or GROUPING SETS"
    for item in groups:
        if item.get("class") == "CONSTANT":
            yield "grouping", item, "GROUP BY a position"


def _join(node: Node) -> Found:
    kind, how = node["join_type"], node["ref_type"]
    if (kind, how) not in {("INNER", "REGULAR"), ("LEFT", "REGULAR"), ("INNER", "CROSS")} or "using_columns" in node:
        yield "join", node, f"{kind} {how} JOIN".replace(" REGULAR", "") + (" USING" if "using_columns" in node else "")
    elif kind == "LEFT" and not any(map(_equality, _conditions(node.get("condition")))):
        yield "left_join", node, "LEFT JOIN without an equality"


def _conditions(node: Node | None) -> Iterator[Node]:
    if node and node.get("type") == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _conditions(child)
    elif node:
        yield node


def _equality(node: Node) -> bool:
    sides = (node.get("left", {}), node.get("right", {}))
    return node.get("type") == "COMPARE_EQUAL" and all(side.get("class") == "COLUMN_REF" for side in sides)


def _aliases(node: Node, *, joined: bool) -> Found:
    columns = node.get("select_list", [])
    parts: list[Any] = [node.get(part) for part in ("where_clause", "group_expressions", "having", "from_table")]
    others = [item for part in parts if part for top in _each(part) for item in within(top)]
    for column in columns:
        plain = column.get("class") == "COLUMN_REF"
        name = name_of(column)
        if not name or (joined and plain and "alias" not in column and len(column["column_names"]) > 1):
            yield "alias_missing", column, f"{'.'.join(column['column_names']) if plain else 'a column'} without AS"
        elif not (plain and column["column_names"][-1] == name):
            everywhere = others + [item for other in columns for item in within(other)]
            if any(item.get("class") == "COLUMN_REF" and item["column_names"][-1] == name for item in everywhere):
                yield "alias_hides", column, f"alias {name} hides a column of this name"


def _each(part: Any) -> list[Node]:
    return part if isinstance(part, list) else [part]


def check_sums(node: Node, known: Inexact) -> Found:
    """SUM, AVG and / of one SELECT; `known` grows by what its steps give."""
    inside = dict(_sources(node.get("from_table", {}), known))
    for top in (*node.get("select_list", []), *filter(None, (node.get("having"), node.get("where_clause")))):
        for item in within(top):
            name = item.get("function_name", "").lower()
            first = (item.get("children") or [{}])[0]
            if name in {"sum", "avg"} and inexact(first, inside):
                yield "exact_sum", item, f"{name.upper()} over computed doubles"
            elif name == "/" and item.get("is_operator") and not inexact(first, inside):
                yield "division", item, "a dividend that is no double"


def given(node: Node, known: Inexact) -> set[str]:
    """The columns of a query that hold computed doubles."""
    if node.get("type") == "SET_OPERATION_NODE":
        return given(node["left"], known) | given(node["right"], known)
    inside = dict(_sources(node.get("from_table", {}), known))
    return {name_of(column) for column in node.get("select_list", []) if inexact(column, inside)}


def _sources(node: Node, known: Inexact) -> Iterator[tuple[str, set[str]]]:
    if node.get("type") == "BASE_TABLE":
        yield node.get("alias") or node["table_name"], known.get(node["table_name"], set())
    elif node.get("type") == "SUBQUERY":
        yield node.get("alias", ""), given(node["subquery"]["node"], known)
    elif node.get("type") == "JOIN":
        yield from _sources(node["left"], known)
        yield from _sources(node["right"], known)


def inexact(node: Node, inside: Inexact) -> bool:
    """Whether an expression is a double whose last bits are the engine's."""
    kind, name = node.get("class"), node.get("function_name", "").lower()
    if kind == "COLUMN_REF":
        *table, column = node["column_names"]
        return any(column in names for alias, names in inside.items() if not table or alias == table[0])
    if kind == "CAST":
        return bool(node["cast_type"]["id"] == "DOUBLE")
    if kind == "COMPARISON" or name in _WHOLE:
        return False
    if name in _DOUBLES:
        return True
    if kind == "CASE":
        results = [check["then_expr"] for check in node["case_checks"]] + [node.get("else_expr", {})]
        return any(inexact(item, inside) for item in results)
    return any(inexact(child, inside) for child in children(node))
