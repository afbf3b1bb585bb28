"""Dengfeng's four classes against a sorted list each: a thousand generated months with gaps and ties."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from tests.scoring.trials import Tree, mark, trial

MONTHS = 1000
CLASSES = ["order", "clean", "green", "lit"]
EDGES = ["100", "99.99", "0", "60"]


def generate(random: Random) -> dict[str, dict[str, str | None]]:
    """Two to five units; now and then a class was not delivered, or is not there at all."""
    found: dict[str, dict[str, str | None]] = {}
    for number in range(random.randint(2, 5)):
        parts: dict[str, str | None] = {name: mark(random, EDGES) for name in CLASSES}
        if random.random() < 0.2:
            parts[random.choice(CLASSES)] = None
        if random.random() < 0.1:
            parts.pop(random.choice(CLASSES))
        found[f"u{number}"] = parts
    return found


def test_a_thousand_months_agree_with_the_reference() -> None:
    tied = gaps = 0
    for seed in range(MONTHS):
        marks = generate(Random(seed))
        content: Tree = {"period": "2026-05", "units": [{"unit": u, "components": parts} for u, parts in marks.items()]}
        for result in trial("dengfeng", content).results:
            lacking = [name for name in CLASSES if marks[result.unit].get(name) is None]
            assert (result.score, result.rank, result.consequences) == (None, None, ())
            assert result.state == ("provisional" if lacking else "ok")
            assert [part.component for part in result.components] == CLASSES
            for part in result.components:
                table = sorted(
                    (Fraction(v) for p in marks.values() if (v := p.get(part.component)) is not None), reverse=True
                )
                if part.component in lacking:
                    assert (part.place, part.value) == (None, None)
                    gaps += 1
                    continue
                own = Fraction(str(marks[result.unit][part.component]))
                assert part.place is not None
                assert (part.place.rank, part.place.size) == (table.index(own) + 1, len(table))
                tied += table.count(own) > 1
    assert tied and gaps
