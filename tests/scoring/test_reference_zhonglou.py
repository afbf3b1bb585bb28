"""Zhonglou's months and years against arithmetic of another make: percentages of four numbers, bands, deposits."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from tests.scoring.trials import Tree, close, mark, ranks, trial

YEARS = 84
EDGES = ["79.999", "80", "94.999", "95", "100", "80.001", "95.001"]
FLAT = {"city_on_site": 35, "city_rect": 35, "dist_on_site": 15, "dist_rect": 15}
NESTED = {"city_on_site": ("city_part", "on_site"), "city_rect": ("city_part", "rectification"),
          "dist_on_site": ("district_part", "on_site"), "dist_rect": ("district_part", "rectification")}  # fmt: skip


def generate(random: Random) -> Tree:
    """A year of three to six units; the first four numbers of a month are often the same, so that edges are met."""
    units: list[Tree] = []
    for number in range(random.randint(3, 6)):
        first = random.choice([1, 1, 1, random.randint(2, 12)])
        last = random.choice([12, 12, 12, random.randint(first, 12)])
        least = random.choice([60, 80, 95])
        edges = random.choice([EDGES, ["95"], ["80"], EDGES[2:]])
        months = {f"2026-{m:02d}": month(random, f"2026-{m:02d}", units, least, edges) for m in range(first, last + 1)}
        league = random.choice(["subdistrict", "department"])
        if league == "subdistrict" and random.random() < 0.3:
            for entry in months.values():
                entry["components"]["department_deductions"] = "-" + mark(random, ["1.5", "2"])
        events = [{"rule": rule} for rule in ("veto", "veto_severe") if random.random() < 0.2]
        units.append({"unit": f"u{number}", "league": league, "persons": random.randint(1, 3),
                      "months": months, "events": events})  # fmt: skip
    return {"period": "2026", "units": units}


def month(random: Random, name: str, before: list[Tree], least: int, edges: list[str]) -> Tree:
    """Four numbers, written flat or nested; one of them is missing now and then."""
    twins = [unit["months"][name] for unit in before if name in unit["months"]]
    if twins and random.random() < 0.1:
        parts = {k: v for k, v in random.choice(twins)["components"].items() if k != "department_deductions"}
        return {"components": parts}
    level = mark(random, edges, least)
    same = random.random() < 0.6
    parts = {key: level if same else mark(random, edges, least) for key in FLAT}
    if random.random() < 0.05:
        parts[random.choice(list(FLAT))] = None
    if random.random() < 0.5:
        return {"components": parts}
    nested: Tree = {}
    for key, value in parts.items():
        top, member = NESTED[key]
        nested.setdefault(top, {})[member] = value
    return {"components": nested}


def four(entry: Tree) -> dict[str, str | None]:
    """The four numbers, however they were written."""
    parts = entry["components"]
    if "city_part" in parts:
        return {key: parts[top][member] for key, (top, member) in NESTED.items()}
    return {key: parts[key] for key in FLAT}


def score_of(entry: Tree, in_points: bool = False, subtract: bool = False) -> Fraction | None:
    """The month: 35, 35, 15 and 15 points, or the numbers as they are; the line beside it only where it counts."""
    values = four(entry)
    if None in values.values():
        return None
    total = sum(
        (Fraction(v or 0) * (1 if in_points else Fraction(FLAT[k], 100)) for k, v in values.items()), Fraction(0)
    )
    line = entry["components"].get("department_deductions")
    return total + (Fraction(line) if subtract and line else 0)


def band(score: Fraction, vetoed: bool = False) -> str:
    """优秀 from 95 unless vetoed, 合格 from 80."""
    return "优秀" if score >= 95 and not vetoed else "合格" if score >= 80 else "不合格"


def deposit(unit: Tree, grade: str) -> Fraction:
    """Twice, once or minus once the deposit of each person; departments pay half."""
    paid = 10000 if unit["league"] == "subdistrict" else 5000
    return Fraction({"优秀": 2, "合格": 1, "不合格": -1}[grade] * paid * unit["persons"])


def compare(content: Tree, in_points: bool = False, subtract: bool = False, by_days: bool = False) -> set[str]:
    """One year against the engine; what of it was met."""
    switches = {"ZA1": "points" if in_points else "hundred", "ZA2": "subtract" if subtract else "separate_line",
                "ZA5": "by_days" if by_days else "arithmetic"}  # fmt: skip
    found, met = trial("zhonglou", content, **switches), set()
    lengths = dict(zip(range(1, 13), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
    by_unit = {unit["unit"]: unit for unit in content["units"]}
    scores: dict[str, dict[str, Fraction]] = {name: {} for name in by_unit}
    for name, results in found.parts.items():
        for result in results:
            score = score_of(by_unit[result.unit]["months"][name], in_points, subtract)
            assert close(None if result.score is None else str(result.score), score)
            assert result.grade_zh == (None if score is None else band(score))
            assert (result.consequences, result.money_yuan) == ((), 0), "a month has a grade and no consequence"
            if score is not None:
                scores[result.unit][name] = score
    means = {}
    for name, of_unit in scores.items():
        weights = {month: lengths[int(month[5:])] if by_days else 1 for month in of_unit}
        if of_unit:
            total = sum((score * weights[month] for month, score in of_unit.items()), Fraction(0))
            means[name] = total / sum(weights.values())
    for result in found.results:
        unit, mean = by_unit[result.unit], means.get(result.unit)
        assert close(None if result.score is None else str(result.score), mean)
        gap = len(scores[result.unit]) < len(unit["months"])
        assert result.state == ("provisional" if gap else "ok")
        if mean is None:
            continue
        flags = {event["rule"] for event in unit["events"]}
        grade = band(mean, bool(flags))
        rules = ["deposits"] + (["veto_notice"] if "veto_severe" in flags else [])
        group = {other: m for other, m in means.items() if by_unit[other]["league"] == unit["league"]}
        assert (result.grade_zh, result.rank) == (grade, ranks(group)[result.unit])
        assert [item.rule for item in result.consequences] == rules
        assert result.money_yuan == deposit(unit, grade)
        met |= {grade, *rules, "veto" if flags and mean >= 95 else grade}
    return met


def test_a_thousand_months_agree_with_the_reference() -> None:
    met: set[str] = set()
    for seed in range(YEARS):
        met |= compare(generate(Random(seed)), subtract=seed % 5 == 1, by_days=seed % 5 == 2)
    assert met == {"优秀", "合格", "不合格", "deposits", "veto_notice", "veto"}


def test_points_that_are_weighted_already_are_added_as_they_are() -> None:
    for seed in range(6):
        content = generate(Random(seed))
        for unit in content["units"]:
            unit["months"] = {name: {"components": dict(zip(FLAT, ("33.2", "31", "14.25", str(seed)), strict=True))}
                              for name in unit["months"]}  # fmt: skip
        assert "deposits" in compare(content, in_points=True)
