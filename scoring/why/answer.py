"""The auditor's question, answered in one chain: score, components, indicators, days, rows, the bytes they came in."""

from __future__ import annotations

import difflib
from typing import Any

from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from scoring.why import chain, rows
from scoring.why.sides import Side, pair, snapshots

Tree = dict[str, Any]


def why_changed(
    settings: Settings,
    unit: str,
    code: str | None,
    period: str,
    *,
    first: str | None = None,
    last: str | None = None,
    limit: int = 20,
) -> Tree:
    """Why a unit's score (`code` None) or indicator is not what it was; `unit` is a code or a Chinese name, `period` a
    month, or a day of it for an indicator. `limit`: rows listed of each table; totals count all.

    Raises `Usage` CH-WHY-001, CH-WHY-002 (states), CH-WHY-003 (no such value), CH-SCORE-006 (no such unit).
    """
    before, after = pair(settings, period[:7], first, last)
    known = {row["unit_code"]: row["unit_name"] for side in (before, after) for row in side.data["ranking"]}
    known |= {
        row["unit_code"]: row["unit_code"] for row in after.data["indicator_value"] if row["unit_code"] not in known
    }
    who = next((item for item, name in known.items() if unit in {item, name}), None)
    if who is None:
        near = difflib.get_close_matches(unit, [*known, *known.values()], 3, 0.4) or list(known)[:12]
        raise Usage("CH-SCORE-006", unit=unit, near=", ".join(near))
    tree: Tree = {
        "unit": who, "name": known[who], "period": period,
        "from": _told(before), "to": _told(after),
    }  # fmt: skip
    wanted: list[tuple[str, str]] = [(code, who)] if code else []
    if code is None:
        tree["score"] = chain.of_score(before, after, who)
        members = [item for part in tree["score"]["components"] for item in part["members"]]
        wanted = [found for item in members if (found := chain.indicator_of(item)) is not None]
    tree["indicators"] = [chain.of_indicator(before, after, *item, period) for item in dict.fromkeys(wanted)]
    if code and not tree["indicators"][0]["known"]:
        codes = sorted({row["code"] for row in after.data["indicator_value"]})
        close = ", ".join(difflib.get_close_matches(code, codes, 3, 0.3)) or "none"
        raise Usage("CH-WHY-003", indicator=code, unit=who, period=period, near=close)
    specs = {spec.table: spec for spec in read_good(settings.feeds)[0].values()}
    for item in tree["indicators"]:
        item["feeds"] = sorted({specs[table].feed for table in item["tables"] if table in specs})
    feeds = {feed for item in tree["indicators"] for feed in item["feeds"]} | _manual(tree, specs)
    tree["rules"] = chain.of_rules(before, after)
    tree["specs"] = chain.of_specs(before, after, feeds)
    tree |= _evidence(settings, tree, before, after, specs=specs, feeds=feeds, limit=limit)
    return tree


def _told(side: Side) -> Tree:
    return {"label": side.label, "publication": side.number, "snapshot": side.snapshot, "at": side.at.isoformat()}


def _manual(tree: Tree, specs: dict[str, FeedSpec]) -> set[str]:
    """Feeds of the sheets behind components that changed: their tables stand as the source of the component."""
    found: set[str] = set()
    for part in tree.get("score", {}).get("components", []):
        sources = {name for item in part["source"] if item for name in str(item).split("+")}
        found |= {specs[name].feed for name in sources if name in specs}
    return found


def _evidence(
    settings: Settings,
    tree: Tree,
    before: Side,
    after: Side,
    *,
    specs: dict[str, FeedSpec],
    feeds: set[str],
    limit: int,
) -> Tree:
    """Rows and quarantine moves where both snapshots are kept, and the loads between in any case."""
    kept = snapshots(settings)
    there = before.snapshot in kept and after.snapshot in kept and before.snapshot < after.snapshot
    codes = {item["code"] for item in tree["indicators"]}
    found: Tree = {"snapshots_kept": before.snapshot in kept and after.snapshot in kept, "rows": [], "quarantine": []}
    if there:
        window = (before.snapshot, after.snapshot)
        by_feed = {spec.feed: spec for spec in specs.values()}
        for feed in sorted(feeds):
            mine = [item for item in tree["indicators"] if feed in item["feeds"]]
            days = {day["day"] for item in mine for day in item["days"]}
            units = {item["unit_code"] for item in mine} if all(i["unit_code"] == tree["unit"] for i in mine) else set()
            shown = rows.changed(settings, by_feed[feed], window, units=units, days=days, limit=limit)
            if shown["inserted"] + shown["changed"] + shown["removed"]:
                found["rows"].append(shown)
        found["quarantine"] = rows.quarantine(settings, feeds, window, set())
    return found | rows.history(settings, feeds, codes, before.at, after.at)
