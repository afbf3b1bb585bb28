"""What goes into the engine and what comes out: frozen records, Decimals, ids of the scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

State = Literal["ok", "provisional", "missing"]


@dataclass(frozen=True)
class Given:
    """One delivered number. `value` None is missing, whatever the reason; `source` is where it came from."""

    value: Decimal | None
    state: State = "ok"
    source: str | None = None
    reason: str | None = None


Value = Given | Decimal | None
"""A bare Decimal is `ok`, None is missing."""


@dataclass(frozen=True)
class Step:
    """One step of the arithmetic: what was done, to which numbers, by which rule, with what result."""

    rule: str
    what: str
    inputs: Mapping[str, str]
    result: str
    clause: str | None = None
    switch: str | None = None


@dataclass(frozen=True)
class Event:
    """A bonus or deduction record. `on` is the date that decides its month; None: this month."""

    rule: str
    level: str | None = None
    count: int = 1
    event_id: str | None = None
    on: date | None = None
    evidence: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Violation:
    """A record of a ledger: what a vehicle was seen doing, when (local time) and by whom. `points` None: those of
    the price list."""

    type: str
    plate: str
    at: datetime
    reporter: str
    id: str | None = None
    points: Decimal | None = None


@dataclass(frozen=True)
class Settled:
    """A score that is there already (given, or rolled up from shorter periods): it is only judged."""

    score: Decimal | None
    state: State = "ok"
    reason: str | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class UnitInput:
    """A unit in a period. `components`: id → value, or id → {member id → value}; a member that is not there
    does not apply to the unit, a member with None is missing. `violations` None: the ledger was not delivered.
    `settled`: nothing is computed but rank, grade and consequences. `flags`: findings of kind flag from shorter
    periods. `persons`: how many people paid a deposit."""

    unit: str
    league: str
    components: Mapping[str, Value | Mapping[str, Value]]
    events: tuple[Event, ...] = ()
    name: str | None = None
    violations: tuple[Violation, ...] | None = None
    settled: Settled | None = None
    flags: frozenset[str] = frozenset()
    persons: int = 1


@dataclass(frozen=True)
class MonthScore:
    """A month that is there already: what cumulative consequences and the annual mean read. `raw` is before
    events; `final` is False while the month is provisional."""

    unit: str
    league: str
    score: Decimal
    raw: Decimal | None = None
    event_points: Decimal = Decimal(0)
    final: bool = True


@dataclass(frozen=True)
class Inputs:
    """Everything that a month's result depends on. `earlier`: month → its scores, for the year's counters."""

    period: str
    units: tuple[UnitInput, ...]
    switches: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    earlier: Mapping[str, tuple[MonthScore, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ComponentResult:
    """A component or member (`specials.roads`). `points` = weight × value, None for members. `place`: its own rank,
    in a scheme that ranks each component."""

    component: str
    title: str
    weight: Decimal | None
    value: Decimal | None
    points: Decimal | None
    state: State
    source: str | None = None
    reason: str | None = None
    place: Place | None = None


@dataclass(frozen=True)
class EventResult:
    """An event with the points it states and those that count after stacking and caps (signed)."""

    event: Event
    title: str
    clause: str
    stated: Decimal
    counted: Decimal
    effect: str


@dataclass(frozen=True)
class Consequence:
    """A rule that fires for a unit. `money_yuan` is 0 where none is due; `note`: what people must decide."""

    rule: str
    kind: str
    action: tuple[str, ...]
    clause: str
    money_yuan: Decimal = Decimal(0)
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Place:
    """A rank in a group. `from_bottom` counts from the last place; `size` is the number of ranked units."""

    group: str
    rank: int
    from_bottom: int
    tied: int
    size: int

    @property
    def last(self) -> bool:
        """Last and not first as well: the only unit of a group is first."""
        return self.from_bottom == 1 and self.rank > 1


@dataclass(frozen=True)
class UnitResult:
    """The result of a unit in a period. `score` is exact, None while a component is held. `handover`: the record
    that goes to another authority, where a consequence says so."""

    unit: str
    league: str
    period: str
    score: Decimal | None
    raw: Decimal | None
    event_points: Decimal
    shown: str | None
    grade: str | None
    grade_zh: str | None
    rank: int | None
    place: Place | None
    state: State
    reason: str | None
    components: tuple[ComponentResult, ...]
    events: tuple[EventResult, ...]
    consequences: tuple[Consequence, ...]
    money_yuan: Decimal
    trace: tuple[Step, ...]
    name: str | None = None
    handover: Mapping[str, object] | None = None
