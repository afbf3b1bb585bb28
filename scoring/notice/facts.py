"""The facts of a notice: leagues with their units, events, consequences, gaps; numbers as published, never a float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from indicators.why.words import chinese
from scoring.notice.published import Published, clean
from scoring.numbers import rounded
from warehouse.ledger import GOOD

MISSING = "缺"


@dataclass(frozen=True)
class Part:
    """A component, campaign or indicator of a unit. `value` None: missing; `reason` says why it is not ok."""

    id: str
    weight: Decimal | None
    value: Decimal | None
    points: Decimal | None
    state: str
    reason: str | None


@dataclass(frozen=True)
class Unit:
    """A unit's line. `score` exact, `shown` as it is announced; both None while a component is held."""

    code: str
    name: str
    rank: int | None
    score: Decimal | None
    shown: str | None
    grade: str | None
    state: str
    reason: str
    completeness: str
    raw: Decimal | None
    event_points: Decimal
    money: Decimal
    rules: tuple[str, ...]
    parts: Mapping[str, Part]


@dataclass(frozen=True)
class Heading:
    """A column of a table of parts: its title and, where it is the same for all, its weight."""

    id: str
    title: str
    weight: Decimal | None = None


@dataclass(frozen=True)
class League:
    """One ranking. `components` are the columns of the sum, `members` those below a component, by component."""

    id: str
    title: str
    units: tuple[Unit, ...]
    components: tuple[Heading, ...]
    members: Mapping[str, tuple[Heading, ...]]


@dataclass(frozen=True)
class Event:
    """A bonus or deduction with the number of its evidence."""

    id: str
    unit: str
    rule: str
    title: str
    level: str
    evidence: str
    on: str
    count: int
    stated: Decimal
    counted: Decimal
    effect: str
    clause: str


@dataclass(frozen=True)
class Consequence:
    """A rule that fires. `in_force` False: the publication or the unit's score is provisional."""

    rule: str
    kind: str
    league: str
    unit: str
    action: str
    by: str
    money: Decimal
    clause: str
    note: str
    in_force: bool


@dataclass(frozen=True)
class Gap:
    """Something that is missing or provisional, with the units that it concerns."""

    item: str
    state: str
    reason: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class FeedDays:
    """A feed's days of the month: all in the ledger, those that are fine, and the others by state."""

    feed: str
    days: int
    fine: int
    others: Mapping[str, tuple[str, ...]]
    quarantined: int


@dataclass(frozen=True)
class Facts:
    """Everything that a notice tells."""

    published: Published
    leagues: tuple[League, ...]
    events: tuple[Event, ...]
    consequences: tuple[Consequence, ...]
    gaps: tuple[Gap, ...]
    feeds: tuple[FeedDays, ...]


def gather(published: Published) -> Facts:
    """The facts of a publication."""
    leagues = tuple(_league(published, league.id, league.title.zh) for league in published.scheme.leagues)
    return Facts(
        published,
        tuple(league for league in leagues if league.units),
        tuple(_events(published)),
        tuple(_consequences(published)),
        tuple(_gaps(published)),
        tuple(_feeds(published)),
    )


def _league(published: Published, id: str, title: str) -> League:
    parts: dict[str, dict[str, Part]] = {}
    for row in published.rows["score"]:
        if row["component"] != "events":
            parts.setdefault(row["unit_code"], {})[row["component"]] = _part(row)
    rows = [row for row in published.rows["ranking"] if row["league"] == id]
    rows.sort(key=lambda row: (row["rank"] is None, row["rank"] or 0, row["unit_code"]))
    units = tuple(_unit(row, parts.get(row["unit_code"], {})) for row in rows)
    components = tuple(
        Heading(item.id, item.title.zh, _weight(units, item.id))
        for item in published.scheme.components
        if any(item.id in unit.parts for unit in units)
    )
    members = {
        item.id: tuple(Heading(f"{item.id}.{member.id}", member.title.zh) for member in item.members)
        for item in published.scheme.components
        if item.members
    }
    return League(id, title, units, components, members)


def _part(row: dict[str, Any]) -> Part:
    reason = json.loads(row["trace"] or "{}").get("reason")
    value = None if row["state"] == "missing" else row["value"]
    return Part(row["component"], row["weight"], value, row["points"], row["state"], clean(reason) if reason else None)


def _weight(units: tuple[Unit, ...], component: str) -> Decimal | None:
    found = {unit.parts[component].weight for unit in units if component in unit.parts}
    return found.pop() if len(found) == 1 else None


def _unit(row: dict[str, Any], parts: dict[str, Part]) -> Unit:
    trace = json.loads(row["trace"])
    return Unit(
        code=row["unit_code"],
        name=row["unit_name"],
        rank=row["rank"],
        score=row["score"],
        shown=trace.get("shown") if row["score"] is not None else None,
        grade=row["grade"],
        state=row["state"],
        reason=chinese(row["reason"]),
        completeness=f"{rounded(Decimal(repr(row['completeness'])) * 100, 1)}%",
        raw=None if trace.get("raw") is None else Decimal(trace["raw"]),
        event_points=Decimal(trace.get("event_points") or "0"),
        money=Decimal(trace.get("money_yuan") or "0"),
        rules=tuple(item["rule"] for item in trace.get("consequences", [])),
        parts=parts,
    )


def _names(published: Published) -> dict[str, str]:
    return {row["unit_code"]: row["unit_name"] for row in published.rows["ranking"]}


def _events(published: Published) -> list[Event]:
    names, found = _names(published), []
    for row in published.rows["score"]:
        if row["component"] != "events":
            continue
        for item in json.loads(row["trace"] or "{}").get("events", []):
            told: dict[str, Any] = {
                key: clean(value) if isinstance(value, str) else value for key, value in item.items()
            }
            level = told.get("level")
            found.append(
                Event(
                    id=told["event_id"] or "",
                    unit=names.get(row["unit_code"], row["unit_code"]),
                    rule=told["rule"],
                    title=told["title"],
                    level="" if level in (None, "", "none") else level,
                    evidence=told.get("evidence") or "",
                    on=told.get("on") or "",
                    count=told["count"],
                    stated=Decimal(told["stated"]),
                    counted=Decimal(told["counted"]),
                    effect=told["effect"],
                    clause=told["clause"],
                )
            )
    return sorted(found, key=lambda item: (item.on, item.id, item.unit, item.rule))


def _consequences(published: Published) -> list[Consequence]:
    order = [rule.id for rule in published.scheme.consequences]
    leagues = {league.id: (place, league.title.zh) for place, league in enumerate(published.scheme.leagues)}
    ranks = {row["unit_code"]: row["rank"] or 0 for row in published.rows["ranking"]}
    rows = sorted(
        published.rows["consequence"],
        key=lambda row: (
            order.index(row["rule"]),
            leagues[row["league"]][0],
            ranks[row["unit_code"]],
            row["unit_code"],
        ),
    )
    final = published.manifest.status in {"final", "corrected"}
    return [
        Consequence(
            row["rule"],
            row["kind"],
            leagues[row["league"]][1],
            row["unit_name"],
            row["action"],
            row["acts"] or "",
            row["money_yuan"] or Decimal(0),
            row["clause"],
            row["note"] or "",
            final and row["state"] == "ok",
        )
        for row in rows
    ]


def _gaps(published: Published) -> list[Gap]:
    """Rows that are not ok, the same thing of several units together; the parts in the scheme's order."""
    names = _names(published)
    titles = {row["code"]: f"{row['code']} {row['title_zh']}" for row in published.rows["indicator"]}
    for component in published.scheme.components:
        titles[component.id] = component.title.zh
        titles |= {f"{component.id}.{member.id}": member.title.zh for member in component.members}
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in published.rows["score"]:
        if row["component"] == "events" or (row["state"] == "ok" and row["value"] is not None):
            continue
        part = _part(row)
        code = row["component"].rpartition(".")[2]
        item = titles.get(row["component"]) or titles.get(code) or row["component"]
        state = "provisional" if part.state == "provisional" else "missing"
        found.setdefault((item, state, chinese(part.reason)), []).append(names.get(row["unit_code"], row["unit_code"]))
    return [Gap(item, state, reason, tuple(units)) for (item, state, reason), units in sorted(found.items())]


def _feeds(published: Published) -> list[FeedDays]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in published.rows["delivery"]:
        found.setdefault(row["feed"], []).append(row)
    feeds = []
    for feed, rows in sorted(found.items()):
        others: dict[str, list[str]] = {}
        for row in rows:
            if row["state"] not in GOOD:
                others.setdefault(row["state"], []).append(row["service_day"].isoformat())
        fine = sum(row["state"] in GOOD for row in rows)
        refused = sum(int(row["quarantined"] or 0) for row in rows)
        feeds.append(FeedDays(feed, len(rows), fine, {key: tuple(days) for key, days in others.items()}, refused))
    return feeds
