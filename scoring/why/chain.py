"""From a score's difference to the indicators that made it; every level's contributions add up to it exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scoring.numbers import text
from scoring.tables import Row
from scoring.why.sides import Side

ZERO = Decimal(0)
NUMBERS = ("numerator", "denominator", "value", "coverage", "state", "reason", "quarantined")
Tree = dict[str, Any]


def of_score(before: Side, after: Side, unit: str) -> Tree:
    """A → B of the unit's score, rank and grade; `components` with their `points` (B − A) and `rest`, whatever of the
    difference no component explains (rounding, a limit of the scale)."""
    ranks = [_one(side.data["ranking"], unit_code=unit) for side in (before, after)]
    parts = [_parts(side, unit) for side in (before, after)]
    score = _difference(*(rank.get("score") for rank in ranks))
    components = [
        _component(name, parts[0], parts[1]) for name in dict.fromkeys([*parts[0], *parts[1]]) if "." not in name
    ]
    told = sum((Decimal(item["points"]) for item in components if item["points"]), ZERO)
    return {
        **{name: _arrow(ranks, name) for name in ("score", "rank", "grade", "state", "reason")},
        "difference": text(score),
        "components": [item for item in components if _moved(item)],
        "rest": None if score is None else text(score - told),
    }


def _one(rows: list[Row], **wanted: str) -> Row:
    return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), {})


def _parts(side: Side, unit: str) -> dict[str, Row]:
    return {row["component"]: row for row in side.data["score"] if row["unit_code"] == unit}


def _arrow(rows: list[Row], name: str) -> list[Any]:
    values = [row.get(name) for row in rows]
    return [text(value) if isinstance(value, Decimal) else value for value in values]


def _difference(old: Decimal | None, new: Decimal | None) -> Decimal | None:
    return None if old is None or new is None else new - old


def _component(name: str, old: Mapping[str, Row], new: Mapping[str, Row]) -> Tree:
    """One component: its own A → B, and what each of its members (indicators, campaigns) gave to its points."""
    rows = [side.get(name, {}) for side in (old, new)]
    points = [row.get("points") or ZERO for row in rows]
    moved = points[1] - points[0]
    members = [
        _member(item, [_shares(side, name) for side in (old, new)], [old.get(item, {}), new.get(item, {})])
        for item in dict.fromkeys(key for side in (old, new) for key in side if key.startswith(f"{name}."))
    ]
    told = sum((Decimal(item["points"]) for item in members), ZERO)
    return {
        "component": name,
        **{key: _arrow(rows, key) for key in ("weight", "value", "state", "source")},
        "points": text(moved),
        "members": [item for item in members if _moved(item)],
        "rest": text(moved - told) if members else None,
    }


def _shares(side: Mapping[str, Row], name: str) -> dict[str, Decimal]:
    """Member → the points that it gives: its share of those that have a value, of the component's weight."""
    members = {key: row for key, row in side.items() if key.startswith(f"{name}.") and row["value"] is not None}
    whole = sum((row["weight"] or ZERO for row in members.values()), ZERO)
    own = side.get(name, {}).get("weight") or ZERO
    if not whole or side.get(name, {}).get("points") is None:
        return {}
    return {key: ((row["weight"] or ZERO) * row["value"] / whole * own) for key, row in members.items()}


def _member(name: str, shares: list[dict[str, Decimal]], rows: list[Row]) -> Tree:
    return {
        "component": name,
        **{key: _arrow(rows, key) for key in ("weight", "value", "state", "source")},
        "points": text(shares[1].get(name, ZERO) - shares[0].get(name, ZERO)),
    }


def _moved(item: Tree) -> bool:
    sides = [item[key] for key in ("weight", "value", "state") if key in item]
    return any(old != new for old, new in sides) or Decimal(item["points"] or 0) != 0 or bool(item.get("members"))


def indicator_of(member: Tree) -> tuple[str, str] | None:
    """Code and unit of the indicator behind a member, None for a number given by hand."""
    source = next((str(item) for item in reversed(member["source"]) if item), "")
    words = source.split(" ")
    return (words[1], words[2]) if words[0] == "indicator_value" and len(words) == 3 else None


def of_indicator(before: Side, after: Side, code: str, unit: str, period: str) -> Tree:
    """A → B of one indicator of a unit and period, and the days of the month that are not what they were."""
    sides = (before, after)
    rows = [_one(side.data["indicator_value"], code=code, unit_code=unit, period=period) for side in sides]
    words = next((row for side in reversed(sides) for row in side.data["indicator"] if row["code"] == code), {})
    days = [_days(side, code, unit, period) for side in sides]
    moved = []
    for day in sorted({*days[0], *days[1]}):
        pair = [side.get(day, {}) for side in days]
        if any(pair[0].get(name) != pair[1].get(name) for name in (*NUMBERS[:3], "state")):
            moved.append({"day": day, "new": not pair[0], **{name: _arrow(pair, name) for name in NUMBERS}})
    return {
        "code": code, "unit_code": unit, "period": period, "title": words.get("title_zh"), "unit": words.get("unit"),
        "tables": [name for name in (words.get("tables") or "").split(",") if name],
        **{name: _arrow(rows, name) for name in NUMBERS},
        "definition": _arrow(rows, "definition_sha256"),
        "known": bool(rows[0] or rows[1]),
        "days": moved,
    }  # fmt: skip


def _days(side: Side, code: str, unit: str, period: str) -> dict[str, Row]:
    return {
        row["period"]: row
        for row in side.data["indicator_value"]
        if (row["code"], row["unit_code"], row["period_kind"]) == (code, unit, "day")
        and row["period"].startswith(period)
    }


def of_rules(before: Side, after: Side) -> list[Tree]:
    """Versions, switches and files of the rules that are not the same; what one side does not tell is left out."""
    names = [name for name in before.rules if name in after.rules]
    return [
        {"what": name, "before": before.rules[name], "after": after.rules[name]}
        for name in names
        if before.rules[name] != after.rules[name]
    ]


def of_specs(before: Side, after: Side, feeds: set[str]) -> list[Tree]:
    """Days whose spec is another than before, by feed."""
    sides = [
        {(row["feed"], str(row["service_day"])): row["spec_sha256"] for row in side.data["delivery"]}
        for side in (before, after)
    ]
    return [
        {"feed": feed, "service_day": day, "before": sides[0][feed, day], "after": sha256}
        for (feed, day), sha256 in sorted(sides[1].items())
        if feed in feeds and sides[0].get((feed, day)) not in {None, sha256}
    ]
