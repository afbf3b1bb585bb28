"""Qi County's months and years against arithmetic of another make: fractions and tallies, no code of the engine.

Eighty-four generated years of twelve months: edges of the bands, ties, caps, repeated honours, missing numbers,
units that join late or are merged away. The same document is read here a second time.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from tests.scoring.trials import Tree, ask, close, mark, ranks, trial

YEARS = 84
EDGES = ["74.999", "75", "84.999", "85", "89.995", "89.999", "90", "100", "0", "59.999", "60"]
CAMPAIGNS = "overhead_lines facades roads construction_waste landscaping static_parking outdoor_ads hoardings".split()
SHARES = {"digital": 50, "specials": 40, "peace": 2, "civil": 4, "cgb": 2, "garden": 2}
LEVELS = {"national": Fraction(2), "provincial": Fraction(1), "municipal": Fraction(1, 2)}
EACH = {"B2": Fraction(1), "B3": Fraction(1, 2), "D2": Fraction(-1), "D3": Fraction(-2),
        "D4a": Fraction(-1), "D4b": Fraction(-1), "D5": Fraction(-1)}  # fmt: skip


def generate(random: Random) -> Tree:
    """A year of four to seven units in two leagues."""
    units: list[Tree] = []
    for number in range(random.randint(4, 7)):
        first = random.choice([1, 1, 1, 1, random.randint(2, 12)])
        last = random.choice([12, 12, 12, 12, random.randint(first, 12)])
        league = "territory" if number < 4 or random.random() < 0.3 else "department"
        quality = random.choice(["low", "high", "any", "low", "high", "any", "steady"])
        months = {f"2026-{m:02d}": month(random, m, units, quality) for m in range(first, last + 1)}
        units.append({"unit": f"u{number}", "league": league, "months": months})
    return {"scheme": "qi-county", "period": "2026", "units": units}


def month(random: Random, number: int, before: list[Tree], quality: str) -> Tree:
    """A month of a unit: sometimes the twin of another's, sometimes with a gap."""
    name = f"2026-{number:02d}"
    twins = [unit["months"][name] for unit in before if name in unit["months"]]
    if twins and random.random() < 0.15:
        return dict(random.choice(twins))
    if quality == "steady":  # a year of exactly 85, where prizes begin
        parts: Tree = {key: "85" for key in SHARES if key != "specials"} | {"specials": {"roads": "85"}}
        return {"components": parts, "events": []}
    edges = {"low": EDGES[:3], "high": EDGES[2:8], "any": EDGES}[quality]
    level = mark(random, edges, 84 if quality == "high" else 0)
    same = random.random() < 0.5
    parts = {key: level if same else mark(random, edges, 80) for key in SHARES if key != "specials"}
    chosen = random.sample(CAMPAIGNS, random.choice([8, 8, 5, 4, 3, 1]))
    parts["specials"] = {key: level if same else mark(random, edges, 80) for key in chosen}
    if random.random() < 0.04:
        gap = random.choice([key for key in parts if key != "specials"])
        parts[gap] = None
        if random.random() < 0.3:
            del parts[gap]
    if random.random() < 0.03:
        parts["specials"][random.choice(chosen)] = None
    events = [] if same and random.random() < 0.6 else [event(random, number) for _ in range(random.randint(0, 5))]
    return {"components": parts, "events": events}


def event(random: Random, number: int) -> Tree:
    """A record; a few belong to the month before."""
    rule = random.choice(["B1", "D1", *EACH, "B3", "B3"])
    day = random.choice([f"2026-{number:02d}-01", f"2026-{number:02d}-28", None])
    if number > 1 and random.random() < 0.1:
        day = f"2026-{number - 1:02d}-28"
    return {"rule": rule, "level": random.choice(list(LEVELS)), "count": random.randint(1, 5),
            "event_id": random.choice(["E1", "E2", "E3", None]), "date": day}  # fmt: skip


def score_of(name: str, entry: Tree) -> Fraction | None:
    """The month of one unit as the document has it."""
    parts = entry["components"]
    total = Fraction(0)
    for key, share in SHARES.items():
        value = parts.get(key)
        if isinstance(value, dict):
            if None in value.values():
                return None
            total += Fraction(share, 100) * sum(map(Fraction, value.values()), Fraction(0)) / len(value)
        elif value is None:
            return None
        else:
            total += Fraction(share, 100) * Fraction(value)
    return total + points_of(name, entry["events"])


def points_of(name: str, events: list[Tree]) -> Fraction:
    """Bonus and deduction of a month: the highest of each event number, at most three points by B3."""
    single: list[tuple[str, Fraction]] = []
    numbered: dict[tuple[str, str], Fraction] = {}
    for item in events:
        if item["date"] is not None and not item["date"].startswith(name):
            continue
        rule = item["rule"]
        one = EACH[rule] if rule in EACH else LEVELS[item["level"]] * (1 if rule == "B1" else -1)
        points = one * item["count"]
        if item["event_id"] is None:
            single.append((rule, points))
        elif abs(points) > abs(numbered.get((rule, item["event_id"]), Fraction(0))):
            numbered[rule, item["event_id"]] = points
    every = single + [(rule, points) for (rule, _), points in numbered.items()]
    helping = sum((points for rule, points in every if rule == "B3"), Fraction(0))
    return min(helping, Fraction(3)) + sum((points for rule, points in every if rule != "B3"), Fraction(0))


def band(score: Fraction) -> str:
    """优秀 from 90, 良好 from 85, 合格 from 75."""
    return "优秀" if score >= 90 else "良好" if score >= 85 else "合格" if score >= 75 else "不合格"


class Tally:
    """What the counters of the year need to remember of a unit."""

    def __init__(self) -> None:
        self.firsts = 0
        self.lasts: list[int] = []

    def rules(self, number: int, score: Fraction, rank: int, group: list[Fraction]) -> list[str]:
        """The rules that fire in a month, in the order of the document."""
        worse, size = sum(other < score for other in group), len(group)
        places = 2 if size >= 4 else 1
        last_failed = worse == 0 and rank > 1 and score < 75
        self.firsts += rank == 1 and score >= 90
        self.lasts += [number] if last_failed else []
        fires = {
            "R1": rank <= places,
            "P1": worse < places and rank > places,
            "R2": rank == 1 and score >= 90 and self.firsts >= 3,
            "P2": last_failed and len(self.lasts) >= 2,
            "P3": last_failed and number - 1 in self.lasts,
            "P4": last_failed and len(self.lasts) >= 3,
            "R3": rank == 1,
        }
        return [rule for rule, fired in fires.items() if fired]


def reference(content: Tree) -> tuple[dict[tuple[str, str], Tree], dict[str, Tree]]:
    """(month, unit) → expected, and unit → expected year."""
    tallies = {unit["unit"]: Tally() for unit in content["units"]}
    months: dict[tuple[str, str], Tree] = {}
    for number in range(1, 13):
        name = f"2026-{number:02d}"
        there = [unit for unit in content["units"] if name in unit["months"]]
        scores = {unit["unit"]: score_of(name, unit["months"][name]) for unit in there}
        for unit in there:
            score = scores[unit["unit"]]
            expected: Tree = {"score": score, "rank": None, "grade": None, "rules": [], "money": 0}
            if score is not None:
                group = {o["unit"]: s for o in there if o["league"] == unit["league"]
                         if (s := scores[o["unit"]]) is not None}  # fmt: skip
                rank = ranks(group)[unit["unit"]]
                rules = tallies[unit["unit"]].rules(number, score, rank, list(group.values()))
                expected |= {"rank": rank, "grade": band(score), "rules": rules, "money": 20000 * (rank == 1)}
            months[name, unit["unit"]] = expected
    return months, years(content, months)


def years(content: Tree, months: dict[tuple[str, str], Tree]) -> dict[str, Tree]:
    """Means over the months that have a score, ranks within leagues, one first and two second prizes."""
    means: dict[str, Fraction] = {}
    league = {unit["unit"]: unit["league"] for unit in content["units"]}
    for unit in league:
        found = [item["score"] for (_, name), item in months.items() if name == unit and item["score"] is not None]
        if found:
            means[unit] = sum(found, Fraction(0)) / len(found)
    prizes = [("一等奖", 100000), ("二等奖", 50000), ("二等奖", 50000)]
    money = dict.fromkeys(means, 0)
    named: set[str] = set()
    for mean in sorted({mean for mean in means.values() if mean >= 85}, reverse=True):
        tied = [unit for unit, other in means.items() if other == mean]
        if not prizes:
            break
        named |= set(tied)
        if len(tied) <= len(prizes) and len({title for title, _ in prizes[: len(tied)]}) == 1:
            money |= dict.fromkeys(tied, prizes[0][1])
        prizes = prizes[len(tied) :]
    found: dict[str, Tree] = {}
    for unit, own in league.items():
        counted = {rule for (_, name), item in months.items() if name == unit for rule in item["rules"]}
        rules = (counted & {"R2", "P2", "P3", "P4"}) | ({"R4"} if unit in named else set())
        group = {other: mean for other, mean in means.items() if league[other] == own}
        found[unit] = {"score": means.get(unit), "rules": rules, "money": money.get(unit, 0),
                       "rank": ranks(group).get(unit)}  # fmt: skip
    return found


def agree(got: Any, expected: Tree) -> None:
    """One unit in one month."""
    assert close(None if got.score is None else str(got.score), expected["score"])
    assert got.rank == expected["rank"]
    assert got.grade_zh == expected["grade"]
    assert [item.rule for item in got.consequences] == expected["rules"]
    assert got.money_yuan == expected["money"]
    assert (got.score is None) == (got.state == "provisional")


def test_a_thousand_months_agree_with_the_reference() -> None:
    seen: set[str] = set()
    held = tied = 0
    for seed in range(YEARS):
        content = generate(Random(seed))
        found = trial("qi-county", content)
        months, year = reference(content)
        assert len(found.parts) == 12 or len({name for name, _ in months}) < 12
        for name, results in found.parts.items():
            for result in results:
                agree(result, months[name, result.unit])
                held += result.score is None
                tied += result.place is not None and result.place.tied > 1
                seen |= {item.rule for item in result.consequences}
        for result in found.results:
            expected = year[result.unit]
            assert close(None if result.score is None else str(result.score), expected["score"]), (seed, result.unit)
            assert {item.rule for item in result.consequences} == expected["rules"], (seed, result.unit)
            assert (result.rank, result.money_yuan) == (expected["rank"], expected["money"]), (seed, result.unit)
            assert result.grade_zh == (None if expected["score"] is None else band(expected["score"]))
            seen |= {item.rule for item in result.consequences}
    assert seen == {"R1", "R2", "R3", "R4", "P1", "P2", "P3", "P4"}, "the years are too tame"
    assert held and tied


def test_a_month_with_its_history_says_what_the_year_says_of_it() -> None:
    for seed in range(6):
        content = generate(Random(seed))
        whole = trial("qi-county", content)
        for name in ("2026-04", "2026-11"):
            units = [unit for unit in content["units"] if name in unit["months"]]
            past = {"period": name, "units": [
                unit | {"components": unit["months"][name]["components"], "events": unit["months"][name]["events"],
                        "months": {m: entry for m, entry in unit["months"].items() if m < name}}
                if unit in units else unit
                for unit in content["units"]]}  # fmt: skip
            got = ask("qi-county", past)
            for result in whole.parts.get(name, ()):
                assert got[result.unit]["consequences"] == [item.rule for item in result.consequences]
                assert got[result.unit]["rank"] == result.rank
