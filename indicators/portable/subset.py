"""The rules of the portable subset, and what has passed or broken one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

# Functions with the number of arguments that they take.
FUNCTIONS = {
    **dict.fromkeys(("sum", "min", "max", "avg", "count", "p95"), (1,)),
    **dict.fromkeys(("abs", "floor", "ceil", "sqrt", "log10", "sin", "cos", "radians"), (1,)),
    **dict.fromkeys(("nullif", "power"), (2,)),
    "count_star": (0,),
}
AGGREGATES = frozenset({"sum", "min", "max", "avg", "count", "count_star", "p95"})
OPERATORS = frozenset({"+", "-", "*", "/"})
WINDOWS = frozenset({"lag", "lead", "row_number", "sum", "min", "max", "avg", "count", "count_star"})
TYPES = frozenset({"BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "VARCHAR"})


@dataclass(frozen=True)
class Rule:
    """What is refused, why, and what to write instead; an example of each."""

    name: str
    refuses: str
    why: str
    instead: str
    bad: str
    good: str


@dataclass(frozen=True)
class Problem:
    """One place that leaves the subset: the rule, the line of the statement (from 1), and what stands there."""

    rule: Rule
    line: int
    found: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.found} ({self.rule.name}): {self.rule.why}; write {self.rule.instead}"


@cache
def rules() -> dict[str, Rule]:
    """All rules by name."""
    raw = YAML(typ="safe").load((Path(__file__).parent / "subset.yaml").read_text(encoding="utf-8"))
    return {name: Rule(name, **words) for name, words in raw.items()}
