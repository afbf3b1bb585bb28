"""Trials from plain dictionaries, as an inputs file would hold them; seeded numbers with edges and ties."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random
from typing import Any

from scoring import scheme
from scoring.whatif import answer, file, run
from scoring.whatif.run import Trial

Tree = dict[str, Any]


def trial(name: str, content: Tree, **switches: str) -> Trial:
    """A file's content under a scheme of the hub."""
    return run.run(scheme.load(name), file.parse(json.dumps(content)), switches)


def ask(name: str, content: Tree, **switches: str) -> dict[str, Tree]:
    """unit → its part of the answer."""
    return {unit["unit"]: unit for unit in answer.tree(trial(name, content, **switches))["units"]}


def mark(random: Random, edges: list[str], least: int = 0) -> str:
    """A number as text: often one of the edges, otherwise anything from `least` with up to three decimals."""
    if random.random() < 0.4:
        return random.choice(edges)
    thousandths = random.randint(least * 1000, 100_000)
    return f"{thousandths // 1000}.{thousandths % 1000:03d}" if random.random() < 0.7 else str(thousandths // 1000)


def exactly(text: str | None) -> Fraction | None:
    """The number that a text is."""
    return None if text is None else Fraction(text)


def close(text: str | None, expected: Fraction | None) -> bool:
    """The same number; one that does not end may differ in the sixteenth place."""
    if text is None or expected is None:
        return text is None and expected is None
    if expected.denominator in {1} or _ends(expected.denominator):
        return Fraction(text) == expected
    return abs(Fraction(text) - expected) < Fraction(1, 10**15)


def _ends(denominator: int) -> bool:
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1


def ranks(scores: dict[str, Fraction]) -> dict[str, int]:
    """1-2-2-4: one more than there are better ones."""
    return {unit: 1 + sum(other > score for other in scores.values()) for unit, score in scores.items()}
