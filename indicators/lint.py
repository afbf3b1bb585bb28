"""The portable subset of SQL that definitions keep to, as a check over tokens.

The same text must give the same numbers on a second engine. Of five everyday DuckDB queries three came out
silently different elsewhere (`date_diff` counts boundaries here and whole units there, `dayofweek` starts at
0 or 1, format strings differ), so functions are an allow-list and the known traps are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

PARAMETERS = {
    "day_from": "DATE, first day of the period",
    "day_to": "DATE, the day after the period",
    "day_before": "DATE, the day before the period: counters and gaps look back one day",
    "days": "INTEGER, days in the period",
    "from_ms": "BIGINT, the period's start in epoch milliseconds",
    "to_ms": "BIGINT, the period's end; it is `now` for open cases, never the wall clock",
}


def _set(words: str) -> frozenset[str]:
    return frozenset(word for word in words.split(" ") if word)


FUNCTIONS = _set(
    "count sum min max avg coalesce nullif abs round floor ceil power sqrt log10 sin cos radians cast "
    "lag lead row_number upper lower length p95"
)
# Words that may stand before a bracket without being a function.
_WORDS = _set(
    "select from where having join union and or not in as over on when then else case between by with exists decimal"
)
_REFUSED = _set(
    "filter qualify pivot unpivot unnest asof exclude replace ilike similar interval lateral using limit "
    "offset sample recursive natural create insert update delete drop attach copy call pragma set"
)
_CASE = " (write CASE inside the aggregate)"
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<string>'(?:[^']|'')*')|(?P<unit>\{unit\})|(?P<param>\$\w+)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<op>::|->|<>|<=|>=|!=|\|\||\S)",
    re.DOTALL,
)
_OPERATORS = _set("( ) , . + - * / % = < > <> <= >=")


def tokens(sql: str) -> list[tuple[str, str]]:
    """Kind and text of every token; comments are left out, names and operators are in lower case."""
    found = ((match.lastgroup or "op", match.group()) for match in _TOKEN.finditer(sql))
    return [(kind, text if kind == "string" else text.lower()) for kind, text in found if kind != "comment"]


def parameters(sql: str) -> set[str]:
    """The names of the parameters that a statement takes."""
    return {text[1:] for kind, text in tokens(sql) if kind == "param"}


def problems(sql: str, tables: set[str], limits: Collection[str] = ()) -> list[str]:
    """What leaves the subset, in words; `tables` are the names that FROM and JOIN may read besides the
    statement's own CTEs, `limits` parameters of the definition's own."""
    items = tokens(sql)
    return [*_words(items, limits), *_tables(items, tables), *_shadowed(items)]


def _words(items: list[tuple[str, str]], limits: Collection[str]) -> Iterator[str]:
    following = [*items, ("end", "")][1:]
    for position, ((kind, text), (_, after)) in enumerate(zip(items, following, strict=True)):
        before = items[position - 1][1] if position else ""
        if kind == "param" and text[1:] not in PARAMETERS and text[1:] not in limits:
            yield f"unknown parameter {text}"
        elif kind == "op" and text not in _OPERATORS:
            yield f"operator {text}"
        elif kind == "name" and before != ".":
            if text in _REFUSED or (text, before) == ("all", "by"):
                yield f"word {text.upper()}" + (_CASE if text == "filter" else "")
            elif after == "(" and text not in FUNCTIONS | _WORDS:
                yield f"function {text}"


def _tables(items: list[tuple[str, str]], allowed: set[str]) -> Iterator[str]:
    own = {
        items[i][1]
        for i in range(len(items) - 2)
        if items[i][0] == "name" and items[i + 1][1] == "as" and items[i + 2][1] == "("
    }
    for (_, word), (kind, text) in pairwise(items):
        if word in {"from", "join"} and kind == "name" and text not in allowed | own:
            yield f"table {text} is not declared"


def _shadowed(items: list[tuple[str, str]]) -> Iterator[str]:
    """`MIN(k) AS k`: some engines resolve `k` elsewhere in the statement to the alias."""
    opened: list[int] = []
    for position, (_, text) in enumerate(items):
        if text == "(":
            opened.append(position)
        elif text == ")" and opened:
            start = opened.pop()
            tail = items[position + 1 : position + 3]
            called = start > 0 and items[start - 1][1] in FUNCTIONS
            if called and len(tail) == 2 and tail[0][1] == "as" and tail[1] in items[start + 1 : position]:
                yield f"alias {tail[1][1]} hides the column it is made from"
