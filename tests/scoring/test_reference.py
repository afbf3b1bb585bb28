"""The engine against a tiny reference of another make: fractions, no shared code, generated months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.result import Event, UnitInput, UnitResult
from tests.scoring.months import CAMPAIGNS, fired, month

WEIGHTS = {
    "digital": Fraction(50, 100),
    "specials": Fraction(40, 100),
    "peace": Fraction(2, 100),
    "civil": Fraction(4, 100),
    "cgb": Fraction(2, 100),
    "garden": Fraction(2, 100),
}
LEVELS = {"national": Fraction(2), "provincial": Fraction(1), "municipal": Fraction(1, 2)}
FLAT = {"B2": 1, "B3": Fraction(1, 2), "D2": -1, "D3": -2, "D4a": -1, "D4b": -1, "D5": -1}

# Few distinct values, so that ties and band edges happen often.
numbers = st.sampled_from(["0", "59.99", "74.5", "75", "84.9", "85", "88.8888", "89.9999", "90", "90.0001", "100"])
maybe = st.one_of(numbers, numbers, numbers, numbers, numbers, numbers, st.none())
events = st.lists(
    st.builds(
        Event,
        rule=st.sampled_from(["B1", "D1", *FLAT]),
        level=st.sampled_from(list(LEVELS)),
        count=st.integers(1, 5),
        event_id=st.sampled_from(["E1", "E2", "E3"]),
        on=st.sampled_from([date(2026, 11, 1), date(2026, 11, 30), date(2026, 10, 31), None]),
    ),
    max_size=5,
)


@st.composite
def units(draw: st.DrawFn) -> list[UnitInput]:
    """One to seven units in two leagues; about a third lack something."""
    found = []
    for name in "abcdefg"[: draw(st.integers(1, 7))]:
        chosen = draw(st.lists(st.sampled_from(CAMPAIGNS), min_size=1, unique=True))
        parts: dict[str, object] = {key: _decimal(draw(maybe)) for key in WEIGHTS if key != "specials"}
        parts["specials"] = {campaign: _decimal(draw(numbers)) for campaign in chosen}
        league = draw(st.sampled_from(["territory", "territory", "department"]))
        found.append(UnitInput(name, league, parts, tuple(draw(events))))  # type: ignore[arg-type]
    return found


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def reference_score(unit: UnitInput) -> Fraction | None:
    """The month of one unit as the document says it."""
    total = Fraction(0)
    for name, weight in WEIGHTS.items():
        value = unit.components[name]
        if isinstance(value, dict):
            value = sum(map(Fraction, value.values()), Fraction(0)) / len(value)
        if value is None:
            return None
        total += weight * Fraction(value)  # type: ignore[arg-type]
    best: dict[tuple[str, str], Fraction] = {}
    for event in unit.events:
        if event.on is not None and (event.on.year, event.on.month) != (2026, 11):
            continue
        if event.rule in {"B1", "D1"}:
            points = LEVELS[event.level or ""] * (1 if event.rule == "B1" else -1)
        else:
            points = Fraction(FLAT[event.rule])
        points *= event.count
        key = (event.rule, event.event_id or "")
        if key not in best or abs(points) > abs(best[key]):
            best[key] = points
    helped = sum((points for (rule, _), points in best.items() if rule == "B3"), Fraction(0))
    others = sum((points for (rule, _), points in best.items() if rule != "B3"), Fraction(0))
    return total + others + min(helped, Fraction(3))


def reference_grade(score: Fraction) -> str:
    """The four bands."""
    for grade, least in (("优秀", 90), ("良好", 85), ("合格", 75)):
        if score >= least:
            return grade
    return "不合格"


def check(unit: UnitInput, result: UnitResult, group: list[Fraction], score: Fraction) -> None:
    """Rank, grade and what follows, from the group's scores."""
    rank = 1 + sum(other > score for other in group)
    worse = sum(other < score for other in group)
    places = 2 if len(group) >= 4 else 1
    expected = []
    if rank <= places:
        expected.append("R1")
    if worse < places and rank > places:
        expected.append("P1")
    if rank == 1:
        expected.append("R3")
    assert result.rank == rank
    assert result.grade_zh == reference_grade(score)
    assert fired(result) == expected
    assert result.money_yuan == (20000 if rank == 1 else 0)


@given(units())
@settings(max_examples=200, deadline=None)
def test_generated_months_agree_with_the_reference(drawn: list[UnitInput]) -> None:
    results = month(*drawn)
    scores = {unit.unit: reference_score(unit) for unit in drawn}
    for unit in drawn:
        score, result = scores[unit.unit], results[unit.unit]
        if score is None:
            assert (result.score, result.rank, result.grade, result.consequences) == (None, None, None, ())
            continue
        assert result.score is not None
        assert abs(Fraction(result.score) - score) < Fraction(1, 10**16)
        if len(unit.components["specials"]) in {1, 2, 4, 5, 8}:  # type: ignore[arg-type]
            assert Fraction(result.score) == score, "a sum that ends is exact"
        points = [part.points for part in result.components if "." not in part.component]
        assert sum((p for p in points if p is not None), result.event_points) == result.score
        group = [
            other
            for other_unit in drawn
            if other_unit.league == unit.league and (other := scores[other_unit.unit]) is not None
        ]
        check(unit, result, group, score)


@given(units(), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_units_and_events_does_not_matter(drawn: list[UnitInput], random: object) -> None:
    def key(results: dict[str, UnitResult]) -> dict[str, tuple[object, ...]]:
        return {name: (r.score, r.rank, r.grade, r.money_yuan) for name, r in results.items()}

    turned = [
        UnitInput(unit.unit, unit.league, unit.components, tuple(reversed(unit.events))) for unit in reversed(drawn)
    ]
    assert key(month(*drawn)) == key(month(*turned))
