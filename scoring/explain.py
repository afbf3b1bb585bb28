"""Why a unit has its score: one tree from the rank down to the feeds, as data and as text."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any

from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from scoring import policy, scheme, tables
from scoring.explain_text import render
from scoring.month import SCHEME
from scoring.numbers import text
from scoring.publication import manifest
from warehouse import lake
from warehouse.names import literal

Tree = dict[str, Any]
RANKING = (
    "SELECT league, unit_code, unit_name, score, grade, rank, state, reason, completeness, as_of, trace, "
    f"period FROM ranking WHERE scheme = {literal(SCHEME)}"
)
SCORE = (
    "SELECT unit_code, component, weight, value, points, state, source, trace FROM score "
    f"WHERE scheme = {literal(SCHEME)} AND period = getvariable('month')"
)


@dataclass(frozen=True)
class Explanation:
    """`tree` for programs (numbers as exact text), `text` for people."""

    tree: Tree
    text: str


def explain(settings: Settings, unit: str, month: str) -> Explanation:
    """The whole derivation of a unit's month; `unit` is a code or a Chinese name.

    Raises `Usage` CH-SCORE-006 for a unit that is not ranked, with near names, CH-SCORE-005 for a month
    without scores.
    """
    con = lake.connect(settings, read_only=True)
    try:
        tables.set_month(con, SCHEME, month)
        con.execute("BEGIN")
        ranked = list(tables.rows(con, RANKING))
        row = _find(ranked, unit, month)
        parts = [item for item in tables.rows(con, SCORE) if item["unit_code"] == row["unit_code"]]
        values = {(v["code"], v["unit_code"]): v for v in tables.rows(con, tables.statement("explain_value"))}
        feeds = {item["feed"]: item for item in tables.rows(con, tables.statement("explain_feed"))}
    finally:
        con.close()
    tree = _tree(settings, row, parts, values, feeds)
    tree["publication"] = _publication(settings, month)
    return Explanation(tree, render(tree))


def _find(ranked: list[tables.Row], unit: str, month: str) -> tables.Row:
    of_month = [row for row in ranked if row["period"] == month]
    if not of_month:
        months = sorted({row["period"] for row in ranked}, reverse=True)
        raise Usage("CH-SCORE-005", month=month, near=", ".join(months[:12]) or "none yet")
    for row in of_month:
        if unit in {row["unit_code"], row["unit_name"]}:
            return row
    names = [name for row in of_month for name in (row["unit_code"], row["unit_name"])]
    near = difflib.get_close_matches(unit, names, 3, 0.4) or [
        f"{row['unit_code']} {row['unit_name']}" for row in of_month
    ]
    raise Usage("CH-SCORE-006", unit=unit, near=", ".join(near))


def _tree(
    settings: Settings,
    row: tables.Row,
    parts: list[tables.Row],
    values: dict[tuple[str, str], tables.Row],
    feeds: dict[str, tables.Row],
) -> Tree:
    rules = scheme.load(SCHEME)
    whole = json.loads(row["trace"])
    specs, _ = read_good(settings.feeds)
    sources = _Sources({spec.table: name for name, spec in specs.items()}, feeds)
    by_id = {switch.id: switch for switch in rules.switches}
    events: Tree = next((json.loads(p["trace"]) for p in parts if p["component"] == "events"), {})
    return {
        "unit": row["unit_code"],
        "name": row["unit_name"],
        "league": rules.league(row["league"]).title.zh,
        "month": row["period"],
        "scheme": f"{rules.title.zh} {whole['scheme']} {whole['version']}",
        "document": "、".join(source.doc for source in rules.sources.values()),
        "score": text(row["score"]),
        "shown": whole.get("shown"),
        "grade": row["grade"],
        "rank": row["rank"],
        "state": row["state"],
        "reason": row["reason"],
        "completeness": row["completeness"],
        "as_of": row["as_of"].isoformat(),
        "raw": whole.get("raw"),
        "components": [
            _component(rules, row["league"], part, parts=parts, values=values, sources=sources)
            for part in parts
            if _is_top(part["component"])
        ],
        "events": [event | {"feeds": sources.of(["manual_event"])} for event in events.get("events", [])],
        "event_points": whole.get("event_points"),
        "consequences": whole.get("consequences", []),
        "money_yuan": whole.get("money_yuan"),
        "steps": whole.get("steps", []),
        "switches": [
            {
                "id": name,
                "name": by_id[name].name,
                "question": by_id[name].question,
                "option": option,
                "meaning": by_id[name].options[option],
                "default": by_id[name].default,
            }
            for name, option in whole["switches"].items()
            if name in by_id and option in by_id[name].options
        ],
    }


def _is_top(component: str) -> bool:
    return "." not in component and component != "events"


@dataclass(frozen=True)
class _Sources:
    """Canonical table → feed → what that feed delivered in the month."""

    feed_of: dict[str, str]
    feeds: dict[str, tables.Row]

    def of(self, names: list[str]) -> list[Tree]:
        found: list[Tree] = []
        for table in names:
            feed = self.feed_of.get(table)
            row = self.feeds.get(feed or "")
            entry: Tree = {"table": table, "feed": feed}
            if row is not None:
                entry |= {
                    "days": row["days"],
                    "days_fine": row["days_fine"],
                    "states": row["states"],
                    "loaded": None if row["loaded"] is None else int(row["loaded"]),
                    "quarantined": None if row["quarantined"] is None else int(row["quarantined"]),
                    "refused_open": row["refused_open"] or 0,
                    "refused_waived": row["refused_waived"] or 0,
                    "last_day": row["last_day"].isoformat(),
                    "load_id": row["load_id"],
                    "content_sha256": row["content_sha256"],
                    "landing": row["landing_folder"],
                }
            found.append(entry)
        return found


def _component(
    rules: scheme.Scheme,
    league: str,
    part: tables.Row,
    *,
    parts: list[tables.Row],
    values: dict[tuple[str, str], tables.Row],
    sources: _Sources,
) -> Tree:
    component = rules.component(part["component"])
    trace = json.loads(part["trace"])
    under = [item for item in parts if item["component"].startswith(f"{part['component']}.")]
    titles = {member.id: member.title.zh for member in component.members}
    tree: Tree = {
        "component": part["component"],
        "title": component.title.zh,
        "clause": component.clause,
        **_numbers(part),
        "source": part["source"],
        "reason": trace.get("reason"),
        "steps": trace.get("steps", []),
    }
    if component.members:
        tree["members"] = [
            {
                "component": item["component"],
                "title": titles[item["component"].split(".", 1)[1]],
                **_numbers(item),
            }
            | {"reason": json.loads(item["trace"]).get("reason")}
            for item in under
        ]
    if under and component.source == "policy":
        tree["policy"] = {"note": policy.load().note, "version": part["source"]}
        tree["indicators"] = [_indicator(item, league, values, sources) for item in under]
    elif part["source"]:
        tree["feeds"] = sources.of([name for name in part["source"].split("+") if name.startswith("manual_")])
    return tree


def _numbers(part: tables.Row) -> Tree:
    return {
        "weight": text(part["weight"]),
        "value": text(part["value"]),
        "points": text(part["points"]),
        "state": part["state"],
    }


def _indicator(item: tables.Row, league: str, values: dict[tuple[str, str], tables.Row], sources: _Sources) -> Tree:
    _, code, whose = str(item["source"]).split(" ")
    found = values.get((code, whose))
    curve = next((c for c in policy.load().leagues[league] if c.code == code), None)
    tree: Tree = {
        "code": code,
        "of": whose,
        "weight": text(item["weight"]),
        "marks": text(item["value"]),
        "state": item["state"],
        "curve": None if curve is None else {"full_at": text(curve.full_at), "zero_at": text(curve.zero_at)},
        "reason": json.loads(item["trace"]).get("reason"),
    }
    if found is not None:
        tree |= {
            "title": found["title_zh"],
            "unit": found["unit"],
            "formula": found["formula"],
            "confidence": found["confidence"],
            "value": found["value"],
            "numerator": found["numerator"],
            "denominator": found["denominator"],
            "n_expected": found["n_expected"],
            "n_valid": found["n_valid"],
            "coverage": found["coverage"],
            "indicator_state": found["state"],
            "quarantined": found["quarantined"],
            "feeds": sources.of([name for name in (found["tables"] or "").split(",") if name]),
        }
    return tree


def _publication(settings: Settings, month: str) -> int | None:
    """The newest publication of the month."""
    root = settings.publications
    for number in reversed(manifest.numbers(root)):
        if manifest.read(manifest.folder_of(root, number)).period == month:
            return number
    return None
