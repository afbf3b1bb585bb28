"""Jintan's weeks, months, quarters and years against arithmetic of another make: fractions over lists of Thursdays."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest

from tests.scoring.trials import Tree, close, mark, ranks, trial

YEARS = 84
EDGES = ["74.999", "75", "89.999", "90", "100"]
PARTS = {"class_1": {"urban": 70, "urban_rural": 30}, "class_2": {"urban": 60, "urban_rural": 40},
         "tier_1": {"urban_rural": 60, "rural": 40}, "tier_2": {"urban_rural": 50, "rural": 50},
         "subdistrict": {"urban": 60, "territorial": 40}}  # fmt: skip
MONEY = {"tier_1": [300000, 200000, 200000, 100000, 100000], "tier_2": [200000, 150000, 150000, 80000, 80000]}
OFFSET = {"thursday": 3, "monday": 0, "sunday": 6}
Scores = dict[str, Fraction | None]


def weeks_by_month(way: str) -> dict[int, list[str]]:
    """The weeks of each month of 2026, counted day by day."""
    found: dict[int, list[str]] = {month: [] for month in range(1, 13)}
    day = date(2026, 1, 1)
    while day.year == 2026:
        if day.weekday() == OFFSET[way]:
            year, week, _ = (day - timedelta(days=OFFSET[way])).isocalendar()
            found[day.month].append(f"{year}-W{week:02d}")
        day += timedelta(days=1)
    return found


def generate(random: Random, way: str) -> Tree:
    """Three to five units: some by weeks, some by months; some join late or are merged away."""
    weeks = [week for of_month in weeks_by_month(way).values() for week in of_month]
    units: list[Tree] = []
    for number in range(random.randint(3, 5)):
        league = random.choice(list(PARTS) if number else ["tier_1"])
        unit: Tree = {"unit": f"u{number}", "league": league}
        first, last = random.choice([(0, 12), (0, 12), (random.randint(1, 6), 12), (0, random.randint(5, 11))])
        if first:
            unit["since"] = f"2026-{first + 1:02d}-01"
        if last < 12:
            unit["until"] = (date(2026, last + 1, 1) - timedelta(days=1)).isoformat()
        low = random.choice([60, 75, 88])
        gaps = 0.02 if random.random() < 0.4 else 0.0
        if random.random() < 0.25:
            names = [week for week in weeks if assessed(unit, week)]
            unit["weeks"] = {name: entry(random, league, low) for name in names if random.random() >= gaps}
        else:
            names = [f"2026-{m:02d}" for m in range(first + 1, last + 1)]
            unit["months"] = {name: entry(random, league, low) for name in names if random.random() >= gaps}
        twins = [other for other in units if other["league"] == league and other.keys() == unit.keys()]
        if twins and random.random() < 0.5:
            unit = random.choice(twins) | {"unit": unit["unit"]}
        units.append(unit)
    return {"period": "2026", "units": units}


def entry(random: Random, league: str, low: int) -> Tree:
    """The numbers of a week or month."""
    level = mark(random, EDGES, low)
    same = random.random() < 0.5
    parts: Tree = {key: level if same else mark(random, EDGES, low) for key in PARTS[league]}
    if random.random() < 0.001:
        parts[random.choice(list(parts))] = None
    return {"components": parts}


def assessed(unit: Tree, week: str) -> bool:
    """All days of the week lie between its first and its last day."""
    monday = date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    return unit.get("since", "2000") <= monday.isoformat() and (
        (monday + timedelta(days=6)).isoformat() <= unit.get("until", "2099")
    )


def own(unit: Tree, name: str) -> tuple[bool, Fraction | None]:
    """Whether the file has numbers for a week or month, and their score."""
    found = unit.get("weeks", {}).get(name) or unit.get("months", {}).get(name)
    if found is None:
        return False, None
    values = found["components"]
    if None in values.values():
        return True, None
    shares = PARTS[unit["league"]]
    return True, sum((Fraction(shares[key], 100) * Fraction(value) for key, value in values.items()), Fraction(0))


def mean(values: list[Fraction | None], fill: bool) -> Fraction | None:
    """None where one is missing, unless what is there is enough."""
    there = [value for value in values if value is not None]
    return None if not there or (len(there) < len(values) and not fill) else sum(there, Fraction(0)) / len(there)


def reference(unit: Tree, way: str, basis: str, fill: bool) -> Scores:
    """Every period of a unit that it is assessed in."""
    by_month = weeks_by_month(way)
    scores: Scores = {}
    for month, weeks in by_month.items():
        name = f"2026-{month:02d}"
        mine = [week for week in weeks if assessed(unit, week) or week in unit.get("weeks", {})]
        for week in weeks:
            if own(unit, week)[0]:
                scores[week] = own(unit, week)[1]
        given, score = own(unit, name)
        if given:
            scores[name] = score
        elif mine:
            scores[name] = mean([scores.get(week) for week in mine], fill)
    for quarter in range(4):
        months = [f"2026-{3 * quarter + place:02d}" for place in (1, 2, 3)]
        weeks = [week for place in (1, 2, 3) for week in by_month[3 * quarter + place]]
        if not any(month in scores for month in months):
            continue
        mine = [w for w in weeks if assessed(unit, w) or w in unit.get("weeks", {})] if basis == "weeks" else [
            month for month in months if month in scores]  # fmt: skip
        scores[f"2026-Q{quarter + 1}"] = mean([scores.get(part) for part in mine], fill)
    quarters = [scores[name] for name in scores if "Q" in name]
    return scores | {"2026": mean(quarters, fill)}


@pytest.mark.parametrize(
    ("way", "basis", "fill", "years"),
    [("thursday", "months", False, YEARS), ("monday", "weeks", False, 16), ("sunday", "months", True, 8)],
)
def test_a_thousand_months_agree_with_the_reference(way: str, basis: str, fill: bool, years: int) -> None:
    months = held = tied = 0
    met: set[str] = set()
    for seed in range(years):
        content = generate(Random(seed), way)
        if basis == "weeks":
            content["units"] = [unit for unit in content["units"] if "weeks" in unit]
        by_unit = {unit["unit"]: unit for unit in content["units"]}
        found = trial("jintan", content, JA2=basis, JA3=way, JB1="available" if fill else "hold")
        expected = {name: reference(unit, way, basis, fill) for name, unit in by_unit.items()}
        for period, results in {**found.parts, "2026": found.results}.items():
            there = {name: scores[period] for name, scores in expected.items() if period in scores}
            assert {result.unit for result in results} == there.keys(), (seed, period)
            for result in results:
                score, league = there[result.unit], by_unit[result.unit]["league"]
                assert close(None if result.score is None else str(result.score), score), (seed, period, result.unit)
                held += score is None
                if score is None:
                    assert result.state in {"provisional", "missing"} and result.rank is None
                    continue
                group = {o: s for o, s in there.items() if by_unit[o]["league"] == league and s is not None}
                place = ranks(group)[result.unit]
                assert result.rank == place
                assert result.grade_zh == ("优秀" if score >= 90 else "合格" if score >= 75 else "不合格")
                last = place > 1 and score == min(group.values())
                rules = ["last_ranked"] if "Q" in period and last else []
                if period == "2026":
                    rules += (["subsidy"] if league in MONEY else []) + (["grade_fail"] if score < 75 else [])
                    assert result.money_yuan == (MONEY[league][place - 1] if league in MONEY else 0)
                assert [item.rule for item in result.consequences] == rules, (seed, period, result.unit)
                met |= set(rules)
                tied += list(group.values()).count(score) > 1
                months += len(period) == 7 and "-Q" not in period
    assert years < YEARS or (months > 1000 and held and tied and met == {"last_ranked", "subsidy", "grade_fail"})
