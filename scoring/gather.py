"""From table rows to the engine's inputs: which numbers a unit has, which it lacks, where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cityhub import log
from cityhub.clock import month_of
from cityhub.errors import Stop
from scoring import policy as digital
from scoring.components import given
from scoring.numbers import exact, measured, plain
from scoring.policy import DigitalPolicy, Measure
from scoring.result import Event, Given, Inputs, MonthScore, UnitInput, Value
from scoring.scheme import Component, Scheme
from scoring.switches import Choices
from scoring.tables import Row, Tables

logger = log.get(__name__)
DATES = {"decision_date": "decided_on", "report_date": "reported_on", "event_date": "occurred_on"}


@dataclass(frozen=True)
class Gathered:
    """The engine's inputs of a month. `digital`: unit → the policy's score behind `policy_component`, None
    when that score was given by hand."""

    inputs: Inputs
    digital: Mapping[str, digital.Score | None]
    policy_component: str | None


def gather(
    scheme: Scheme,
    policy: DigitalPolicy,
    tables: Tables,
    *,
    month: str,
    complete: bool,
    switches: Mapping[str, str] | None = None,
) -> Gathered:
    """Inputs of all units that stand in a league of the scheme. Events of a unit that is not assessed are
    logged and left out; an event without the date that its switch asks for raises `Stop` CH-SCORE-007."""
    choices = scheme.choices(dict(switches or {}))
    leagues = [league.id for league in scheme.leagues]
    assessed = sorted(
        (row for row in tables.unit if row["league"] in leagues), key=lambda row: leagues.index(row["league"])
    )
    scores = {row["unit_code"]: _digital(policy, tables, row, choices) for row in assessed}
    units = tuple(
        UnitInput(
            unit=row["unit_code"],
            league=row["league"],
            name=row["name_zh"],
            components=_components(scheme, tables, row, month, scores[row["unit_code"]][0]),
            events=_events(tables, row["unit_code"], month, choices),
        )
        for row in assessed
    )
    _log_strangers(tables, {row["unit_code"] for row in assessed})
    earlier: dict[str, list[MonthScore]] = {}
    for row in tables.standing:
        earlier.setdefault(row["period"], []).append(
            MonthScore(
                row["unit_code"],
                row["league"],
                plain(row["score"]),
                None if row["raw"] is None else plain(row["raw"]),
                plain(row["event_points"] or Decimal(0)),
                row["state"] == "ok",
            )
        )
    inputs = Inputs(
        period=month,
        units=units,
        switches=dict(switches or {}),
        complete=complete,
        earlier={period: tuple(rows) for period, rows in earlier.items()},
    )
    by_policy = next((item.id for item in scheme.components if item.source == "policy"), None)
    return Gathered(inputs, {unit: pair[1] for unit, pair in scores.items()}, by_policy)


def _components(
    scheme: Scheme, tables: Tables, unit: Row, month: str, digital_score: Given
) -> dict[str, Value | Mapping[str, Value]]:
    code = unit["unit_code"]
    found: dict[str, Value | Mapping[str, Value]] = {}
    offices = {row["office"]: row["score"] for row in tables.office if row["unit"] == code}
    for component in scheme.components:
        if component.members:
            found[component.id] = _members(component, tables, unit, month)
        elif component.source == "policy":
            found[component.id] = digital_score
        else:
            found[component.id] = _by_hand(offices.get(component.id), "manual_office")
    return found


def _by_hand(score: Decimal | None, source: str) -> Given:
    return Given(None, "missing", source) if score is None else Given(plain(score), "ok", source)


def _members(component: Component, tables: Tables, unit: Row, month: str) -> dict[str, Value]:
    """The members that apply to a unit.

    `all`: every member, an empty cell is missing. `listed`: those with a score; an empty cell says that the
    unit takes no part; a member that it was scored for earlier in the year and that has no cell is missing.
    """
    mine = [row for row in tables.special if row["unit"] == unit["unit_code"]]
    now = {row["campaign"]: row["score"] for row in mine if row["month"] == month}
    before = {row["campaign"] for row in mine if row["month"] < month and row["score"] is not None}
    whole = component.applies.get(unit["league"], "listed") == "all"
    return {
        member.id: _by_hand(now.get(member.id), "manual_special")
        for member in component.members
        if whole or now.get(member.id) is not None or (member.id in before and member.id not in now)
    }


def _digital(policy: DigitalPolicy, tables: Tables, unit: Row, choices: Choices) -> tuple[Given, digital.Score | None]:
    code, way = unit["unit_code"], choices["digital_source"]
    mine = [row for row in tables.digital if row["unit"] == code and row["score"] is not None]
    if way != "policy_only" and mine:
        return Given(plain(mine[0]["score"]), "ok", "manual_digital", mine[0]["reason"]), None
    if way == "manual_only":
        return Given(None, "missing", "manual_digital", "数字城管得分未人工报送"), None
    found = digital.score(
        policy,
        unit["league"],
        unit=code,
        county=next((row["unit_code"] for row in tables.unit if row["kind"] == "county"), None),
        owned=frozenset(row["platform"] for row in tables.platform if row["owner_unit"] == code),
        values=_measures(tables),
        seasons=frozenset(["heating"] if any(row["heating"] for row in tables.season) else []),
    )
    source = f"policy {policy.policy} {policy.version}"
    return Given(found.value, found.state, source, found.reason and f"数字城管：{found.reason}"), found


def _measures(tables: Tables) -> dict[tuple[str, str], Measure]:
    return {
        (row["code"], row["unit_code"]): Measure(
            None if row["value"] is None else measured(row["value"]), row["state"], row["reason"]
        )
        for row in tables.value
    }


def _events(tables: Tables, unit: str, month: str, choices: Choices) -> tuple[Event, ...]:
    column = DATES[choices["event_month"]]
    found: list[Event] = []
    for row in tables.event:
        if row["unit"] != unit:
            continue
        on = row[column]
        if on is None:
            raise Stop(
                "CH-SCORE-007",
                switch="QA21",
                option=choices["event_month"],
                column=column,
                event=row["event_id"],
            )
        if month_of(on) == month:
            found.append(
                Event(
                    rule=row["rule"],
                    level=row["level"] or None,
                    count=1 if row["count"] is None else int(row["count"]),
                    event_id=row["event_id"],
                    on=on,
                    evidence=row["evidence"],
                    note=row["note"],
                )
            )
    return tuple(found)


def _log_strangers(tables: Tables, assessed: set[str]) -> None:
    for row in tables.event:
        if row["unit"] not in assessed:
            log.event(logger, "event of a unit that is not assessed", unit=row["unit"], event_id=row["event_id"])


def completeness(gathered: Gathered) -> dict[str, Decimal]:
    """unit → share of its inputs in state ok: each number and each indicator counts one."""
    found: dict[str, Decimal] = {}
    with exact():
        for unit in gathered.inputs.units:
            states: list[str] = []
            behind = gathered.digital.get(unit.unit)
            for name, value in unit.components.items():
                if behind is not None and name == gathered.policy_component:
                    states += [line.state for line in behind.lines] or ["missing"]
                elif isinstance(value, Mapping):
                    states += [given(item).state for item in value.values()] or ["missing"]
                else:
                    states.append(given(value).state)
            share = Decimal(sum(state == "ok" for state in states)) / Decimal(len(states))
            found[unit.unit] = share.quantize(Decimal("0.0001"))
    return found
