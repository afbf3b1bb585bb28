"""The haulier ledger against arithmetic of another make: minutes since New Year, one list a plate, whole points."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from tests.scoring.trials import Tree, trial

YEARS = 84
CITY = {"未经核准": 12, "密闭不严": 3, "带泥上路": 3, "沿途遗撒": 5, "随意倾倒": 12}
POLICE = {"故意污损遮挡号牌": 6, "闯红灯": 6, "闯禁行": 3, "超速": 3, "野蛮驾驶": 6}
PRICES = CITY | POLICE
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
START = datetime(2026, 1, 1)  # noqa: DTZ001 - local time, as the records have it


def generate(random: Random) -> list[Tree]:
    """Three to five companies; some records come twice, from the other authority, seconds or half an hour later."""
    units = []
    for number in range(random.randint(3, 5)):
        records: list[Tree] = []
        plates = [f"豫A{number}{place}" for place in range(2)]
        for _ in range(random.choice([0, 3, 8, 12, 16])):
            minute = random.randint(-60 * 24 * 20, 60 * 24 * 370)
            record = {"plate": random.choice(plates), "type": random.choice(list(PRICES)), "minute": minute,
                      "reporter": random.choice(["cgj", "traffic_police"])}  # fmt: skip
            records.append(record)
            while random.random() < 0.4:
                minute += random.choice([0, 1, 15, 20, 29, 30, 31, 45])
                other = "cgj" if records[-1]["reporter"] == "traffic_police" else "traffic_police"
                records.append(record | {"minute": minute, "reporter": other})
        random.shuffle(records)
        units.append({"unit": f"c{number}", "records": records})
    units.append({"unit": "silent", "records": None})
    return units


def written(unit: Tree) -> Tree:
    """A company as an inputs file has it."""
    records = unit["records"]
    return {"unit": unit["unit"], "violations": None if records is None else [
        {"plate": r["plate"], "type": r["type"], "reporter": r["reporter"],
         "at": (START + timedelta(minutes=r["minute"])).isoformat()}
        for r in records]}  # fmt: skip


def kept(records: list[Tree], way: str) -> list[Tree]:
    """The records that are violations of their own."""
    if way == "none":
        return records
    if way == "owner_only":
        return [r for r in records if r["reporter"] == ("cgj" if r["type"] in CITY else "traffic_police")]
    found: list[Tree] = []
    for plate, kind in sorted({(r["plate"], r["type"]) for r in records}):
        last: int | None = None
        for record in sorted((r for r in records if (r["plate"], r["type"]) == (plate, kind)),
                             key=lambda r: int(r["minute"])):  # fmt: skip
            minute = record["minute"]
            same = last is not None and (
                minute // 1440 == last // 1440 if way == "plate_type_day" else minute - last <= 30
            )
            if not same:
                last = minute
                found.append(record)
    return found


def points(records: list[Tree], month: int, way: str, period: str) -> int:
    """What is left of 100 at the end of a month."""
    ends = [1440 * sum(LENGTHS[:number]) for number in range(13)]
    counted = kept(records, way)
    if period == "rolling_12_months":
        first = ends[month] - 1440 * 365
        return 100 - sum(PRICES[r["type"]] for r in counted if first <= r["minute"] < ends[month])
    left = 100
    for number in range(month):
        lost = sum(PRICES[r["type"]] for r in counted if ends[number] <= r["minute"] < ends[number + 1])
        left -= lost
        if period == "calendar_year_recovery" and not lost:
            left = min(100, left + 5)
    return left


@pytest.mark.parametrize(
    ("way", "period"),
    [
        ("plate_type_minutes", "calendar_year"),
        ("plate_type_day", "calendar_year"),
        ("owner_only", "rolling_12_months"),
        ("none", "calendar_year_recovery"),
    ],
)
def test_a_thousand_months_agree_with_the_reference(way: str, period: str) -> None:
    years = YEARS if way == "plate_type_minutes" else 6
    listed = fine = at_the_line = 0
    for seed in range(years):
        units = generate(Random(seed))
        for month in range(1, 13):
            content = {"period": f"2026-{month:02d}", "units": [written(unit) for unit in units]}
            results = trial("dengfeng-credit", content, DA1=period, DA2=way).results
            scores = {u["unit"]: points(u["records"], month, way, period) for u in units if u["records"] is not None}
            for result in results:
                if result.unit == "silent":
                    assert (result.score, result.state, result.handover) == (None, "provisional", None)
                    continue
                score = scores[result.unit]
                assert result.score == score, (seed, month, result.unit)
                assert result.rank == 1 + sum(other > score for other in scores.values())
                assert [item.rule for item in result.consequences] == (["blacklist"] if score < 60 else [])
                assert (result.handover is not None) == (score < 60)
                listed, fine, at_the_line = listed + (score < 60), fine + (score > 60), at_the_line + (score == 60)
    assert listed and fine
    assert at_the_line or years < YEARS, "sixty itself was never met"
