"""The portable subset of SQL that definitions keep to: what leaves it is refused, with place, reason and way out.

The same text must give the same numbers on a second engine. Of five everyday DuckDB queries three came out
silently different elsewhere (`date_diff` counts boundaries here and whole units there, `dayofweek` starts at
0 or 1, format strings differ). So statements are parsed, what may stand in them is an allow-list, and every rule
has its reason in `indicators/portable/subset.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from cityhub.errors import Stop
from indicators.portable import expressions, steps, tree
from indicators.portable.subset import Problem, rules
from indicators.portable.tree import Node

PARAMETERS = {
    "day_from": "DATE, first day of the period",
    "day_to": "DATE, the day after the period",
    "day_before": "DATE, the day before the period: counters and gaps look back one day",
    "days": "INTEGER, days in the period",
    "from_ms": "BIGINT, the period's start in epoch milliseconds",
    "to_ms": "BIGINT, the period's end; it is `now` for open cases, never the wall clock",
}


UNIT = "{unit}"
# Stands for {unit} while a statement is parsed: as many bytes, and no table has such a column.
_STANDS_IN = "_unit_"
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<string>'(?:[^']|'')*')|(?P<quoted>\"[^\"]*\")|(?P<unit>\{unit\})|(?P<param>\$\w+)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<op>::|->|<>|<=|>=|!=|\|\||\S)",
    re.DOTALL,
)


def tokens(sql: str) -> list[tuple[str, str]]:
    """Kind and text of every token; comments are left out, names and operators are in lower case."""
    found = ((match.lastgroup or "op", match.group()) for match in _TOKEN.finditer(sql))
    return [(kind, text if kind == "string" else text.lower()) for kind, text in found if kind != "comment"]


def parameters(sql: str) -> set[str]:
    """The names of the parameters that a statement takes."""
    return {text[1:] for kind, text in tokens(sql) if kind == "param"}


def problems(
    sql: str, tables: Collection[str], limits: Collection[str] = (), stamps: Collection[str] = ()
) -> list[Problem]:
    """What leaves the subset, in the order of the text. `tables` are the names that FROM and JOIN may read besides the
    statement's own steps, `limits` parameters of the definition's own, `stamps` columns known to be time stamps."""
    text = sql.replace(UNIT, _STANDS_IN).encode()
    found = list(_spelling(sql))
    try:
        statements = tree.parse(text.decode())
    except ValueError as error:
        said, where = error.args
        found.append(("statement", int(where), str(said)))
    else:
        if len(statements) != 1:
            found.append(("statement", 0, f"{len(statements)} statements"))
        for statement in statements:
            found += _statement(statement, set(tables), {*PARAMETERS, *limits}, stamps)
    lines = [(text[:where].count(b"\n") + 1, rule, said) for rule, where, said in found]
    return [
        Problem(rules()[rule], line, said) for line, rule, said in sorted(dict.fromkeys(lines), key=lambda it: it[0])
    ]


def refuse(
    sql: str, tables: Collection[str], limits: Collection[str], *, path: Path, indicator: str, field: str
) -> None:
    """Raise `Stop` CH-IND-002 for the first problem of a statement, with its line in the file that holds it."""
    found = problems(sql, tables, limits)
    if not found:
        return
    start = line_of(path.read_text(encoding="utf-8"), indicator, field)
    said = found[0].found + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
    raise Stop(
        "CH-IND-002", file=str(path), indicator=indicator, field=field, line=start + found[0].line,
        rule=found[0].rule.name, problem=said, because=found[0].rule.why, instead=found[0].rule.instead,
    )  # fmt: skip


def line_of(text: str, indicator: str, field: str) -> int:
    """The line (from 1) of a file of definitions, or of one derived table, on which a field of an entry begins."""
    lines = text.splitlines()
    entry = next((at for at, line in enumerate(lines) if line.split("#")[0].split()[-2:] == ["code:", indicator]), 0)
    return next((at for at in range(entry, len(lines)) if lines[at].strip(" -").startswith(f"{field}:")), 0) + 1


def _statement(
    statement: Node, tables: set[str], known: set[str], stamps: Collection[str]
) -> Iterator[tuple[str, int, str]]:
    names = {name for select in tree.selects(statement) for name in _steps(select)}
    doubles = _doubles(statement, {})
    broken: list[tuple[str, Node, str]] = []
    where = 0
    for node in _queries(statement):
        if node["type"] == "RECURSIVE_CTE_NODE":
            broken.append(("step", node, "RECURSIVE"))
        elif node["type"] == "SET_OPERATION_NODE":
            if node["setop_type"] != "UNION" or not node.get("setop_all", True):
                broken.append(("union", node, node["setop_type"].replace("_", " ")))
        else:
            broken += steps.check_select(node, tables, names)
            broken += steps.check_sums(node, doubles)
            for item in tree.within(node):
                broken += expressions.check(item, known, stamps)
    for rule, node, said in broken:
        found = tree.place(node)
        where = where if found is None else found
        yield rule, where, said


def _doubles(node: Node, known: steps.Inexact) -> steps.Inexact:
    """By step: its columns that hold computed doubles; each step may read those before it."""
    for name, query in _steps(node).items():
        _doubles(query, known)
        known[name] = steps.given(query, known)
    for child in tree.children({key: value for key, value in node.items() if key != "cte_map"}):
        _doubles(child, known)
    return known


def _queries(node: Node) -> Iterator[Node]:
    """All queries below and with this one, in the order in which they are read."""
    for child in tree.children(node):
        yield from _queries(child)
    if node.get("type") in {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"}:
        yield node


def _steps(select: Node) -> dict[str, Node]:
    return {step["key"]: step["value"]["query"]["node"] for step in select.get("cte_map", {}).get("map", [])}


def _spelling(sql: str) -> Iterator[tuple[str, int, str]]:
    """What the parser does not tell: how things are written."""
    items = [match for match in _TOKEN.finditer(sql) if match.lastgroup != "comment"]
    for item, after in pairwise([*items, None]):
        if item is None:
            continue
        kind, text, where = item.lastgroup, item.group(), len(sql[: item.start()].encode())
        if kind == "op" and text == "::":
            yield "spelling", where, "operator ::"
        elif kind == "string" and "\\" in text:
            yield "spelling", where, f"the text {text}"
        elif kind == "number" and after and after.lastgroup == "name" and after.start() == item.end():
            yield "spelling", where, f"the number {text}{after.group()}"
        elif kind == "quoted" and text != text.lower():
            yield "spelling", where, f"the name {text}"
