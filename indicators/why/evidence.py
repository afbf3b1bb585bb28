"""What the warehouse holds about a question: value, ledger, checks, loads, refused rows, rows; one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec
from indicators import delivered
from indicators.definitions import HUB_TABLES, Definition
from indicators.delivered import Standing
from indicators.period import Period, of_day
from indicators.why.question import Question
from indicators.why.rows import Rows, rows_of
from warehouse import ledger
from warehouse.landing import MANIFEST, read_manifest

FOLDER = Path(__file__).parent / "sql"
SHOWN = 3  # refused rows and files named; counts tell all
_LEDGER = (
    f"SELECT {', '.join(ledger.COLUMNS)} FROM delivery"
    " WHERE feed = $feed AND service_day >= $first AND service_day < $end ORDER BY service_day"
)


@dataclass(frozen=True)
class Stored:
    """The row of `indicator_value`, or what of it explains the value."""

    numerator: float | None
    denominator: float | None
    value: float | None
    n_expected: int | None
    n_valid: int | None
    coverage: float | None
    state: str
    reason: str | None
    quarantined: int | None
    as_of: datetime
    definition_sha256: str


@dataclass(frozen=True)
class Check:
    """A check of the quality run that did not pass."""

    day: date
    check_id: str
    kind: str
    column: str | None
    severity: str
    observed: str | None
    expected: str | None
    unexpected: int | None
    elements: int | None
    detail: str | None
    errored: bool


@dataclass(frozen=True)
class Refused:
    """Rows of a feed refused for one reason; `places`: load id, file and row of the first few."""

    reason: str
    field: str | None
    state: str
    owner: str
    count: int
    ids: list[str]
    places: list[str]
    waived_until: date | None
    by: str | None
    why: str | None
    first: date
    last: date


@dataclass(frozen=True)
class Landed:
    """A delivery's folder in landing. `files`: name → sha256 of the body; empty where retention has let it go."""

    load_id: str
    folder: str
    content_sha256: str | None
    files: Mapping[str, str]


@dataclass(frozen=True)
class Feed:
    """What is known of one table that the value reads. `lines`: the ledger's, in order of days; `spec` None: no feed
    fills the table."""

    table: str
    registry: bool
    spec: FeedSpec | None
    lines: tuple[ledger.Row, ...] = ()
    checks: tuple[Check, ...] = ()
    refused: tuple[Refused, ...] = ()
    landed: tuple[Landed, ...] = ()
    rows: Rows | None = None


@dataclass(frozen=True)
class Day:
    """A day of a longer period: the stored state and reason of the unit's day value, and what the ledger allows."""

    day: date
    state: str | None
    reason: str | None
    counted: bool
    standing: Standing


@dataclass(frozen=True)
class Restated:
    """The number that stood there before."""

    at: datetime
    plan: str | None
    old_value: float | None
    new_value: float | None
    old_state: str
    new_state: str
    cause: str
    load_ids: str | None


@dataclass(frozen=True)
class Evidence:
    """All of it, and the moment for which it was read."""

    stored: Stored | None
    standing: Standing
    feeds: tuple[Feed, ...]
    days: tuple[Day, ...]
    restated: tuple[Restated, ...]
    begun: date | None  # before this day one of the feeds that bring the rows had never delivered
    computed: bool  # whether this indicator has a value of any unit in the period
    now: datetime


@cache
def _sql(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def read(con: duckdb.DuckDBPyConnection, question: Question, specs: dict[str, FeedSpec], now: datetime) -> Evidence:
    """The evidence for a question; the caller holds the snapshot."""
    definition, period = question.definition, question.period
    asked = {"code": definition.code, "unit": question.unit.code, "kind": question.kind, "name": question.name}
    row = con.execute(_sql("value"), asked).fetchone()
    known = delivered.read(con, specs, period.first, period.end)
    by_table = {spec.table: spec for spec in specs.values()}
    long = question.kind not in {"day", "hour"}
    every = con.execute(
        "SELECT 1 FROM indicator_value WHERE code = $code AND period_kind = $kind AND period = $name LIMIT 1",
        {name: asked[name] for name in ("code", "kind", "name")},
    ).fetchone()
    return Evidence(
        stored=None if row is None else Stored(*row),
        standing=known.standing(definition, period),
        feeds=tuple(
            _feed(con, question, table, by_table.get(table)) for table in definition.reads() if table not in HUB_TABLES
        ),
        days=tuple(_days(con, question, known)) if long else (),
        restated=tuple(Restated(*item) for item in con.execute(_sql("restated"), asked).fetchall()),
        begun=_begun(definition, known),
        computed=every is not None,
        now=now,
    )


def _begun(definition: Definition, known: delivered.Deliveries) -> date | None:
    """The first day on which all feeds of facts had delivered; None when one never did."""
    feeds = [known.feeds[table].feed for table in definition.tables if table in known.feeds]
    firsts = [known.there[feed][0] for feed in feeds if known.there.get(feed)]
    return max(firsts) if firsts and len(firsts) == len(feeds) else None


def _feed(con: duckdb.DuckDBPyConnection, question: Question, table: str, spec: FeedSpec | None) -> Feed:
    registry = table in question.definition.registries
    if spec is None:
        return Feed(table, registry, None)
    asked: dict[str, Any] = {"feed": spec.feed, "first": question.period.first, "end": question.period.end}
    lines = tuple(ledger.Row(*row) for row in con.execute(_LEDGER, asked).fetchall())
    loads = con.execute(_sql("loads"), asked).fetchall()
    brief = len(lines) > 1
    return Feed(
        table,
        registry,
        spec,
        lines,
        tuple(Check(*row) for row in con.execute(_sql("checks"), asked).fetchall()),
        tuple(Refused(*row) for row in con.execute(_sql("refused"), asked | {"shown": SHOWN}).fetchall()),
        () if brief else tuple(_landed(*load) for load in loads[:SHOWN]),
        rows_of(con, question, spec),
    )


def _landed(load_id: str, folder: str | None, content: str | None) -> Landed:
    there = folder is not None and (Path(folder) / MANIFEST).is_file()
    files = {part.file: part.sha256 for part in read_manifest(Path(str(folder))).parts} if there else {}
    return Landed(load_id, folder or "", content, files)


def _days(con: duckdb.DuckDBPyConnection, question: Question, known: delivered.Deliveries) -> list[Day]:
    """Each day of the period as it went into the value, or did not."""
    definition, period = question.definition, question.period
    asked = {
        "code": definition.code, "unit": question.unit.code,
        "first": period.first.isoformat(), "last": period.last.isoformat(),
    }  # fmt: skip
    stored = {row[0]: row[1:] for row in con.execute(_sql("days"), asked).fetchall()}
    return [_day(definition, day, stored.get(day.isoformat()), known, period) for day in period.days()]


def _day(
    definition: Definition, day: date, row: tuple[Any, ...] | None, known: delivered.Deliveries, period: Period
) -> Day:
    """A day counts where its own sums are added; where the SQL runs over the whole period, its delivered rows do."""
    standing = known.standing(definition, of_day(day))
    there = standing.missing is None and standing.carried is None
    state, reason, numerator = row or (None, None, None)
    counted = there and (definition.roll_up == "month" or (state not in {None, "missing"} and numerator is not None))
    return Day(day, state, reason, counted, standing)
