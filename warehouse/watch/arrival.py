"""Watches on the ledger: late, missing, too few, too many, the same again, a web page, times that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from pathlib import Path
from statistics import median

import duckdb

from cityhub.clock import SHANGHAI
from cityhub.spec.feed import FeedSpec
from warehouse import ledger
from warehouse.findings import Finding, Severity
from warehouse.status import MISSING_AFTER

FOLDER = Path(__file__).parent / "sql"
LEDGER = (FOLDER / "ledger.sql").read_text(encoding="utf-8")
CLOCKS = (FOLDER / "clocks.sql").read_text(encoding="utf-8")
REACH = timedelta(days=120)  # how far back days of the same kind are looked for: a long holiday has few
SAME_BODY_DAYS = 3
WEB_PAGE = ("CH-PULL-012", "CH-PULL-059")
# The standard deviation of a count of n independent events is the root of n; four of them are no accident.
SPREAD = 4


@dataclass(frozen=True)
class Line:
    """One day of one feed in the ledger. `working`: by the calendar, with its moved working days."""

    feed: str
    day: date
    state: str
    landed: int | None
    loaded: int | None
    content: str | None
    error_code: str | None
    error: str | None
    expected_by: datetime | None
    since: datetime | None
    manual: str | None
    working: bool

    @property
    def delivered(self) -> bool:
        """Whether the platform's own rows are there."""
        return self.state in ledger.LOADED and self.manual is None


@dataclass(frozen=True)
class Refused:
    """Rows of a feed's day that were refused for the time they say."""

    field: str
    reason: str
    rows: int
    example: str | None


def read(con: duckdb.DuckDBPyConnection, day: date) -> tuple[dict[str, list[Line]], dict[str, list[Refused]]]:
    """Feed → its lines of the ledger, newest first, and feed → what was refused for its time."""
    lines: dict[str, list[Line]] = {}
    for row in con.execute(LEDGER, {"day": day, "since": day - REACH}).fetchall():
        lines.setdefault(row[0], []).append(Line(*row))
    refused: dict[str, list[Refused]] = {}
    for feed, *rest in con.execute(CLOCKS, {"day": day}).fetchall():
        refused.setdefault(feed, []).append(Refused(*rest))
    return lines, refused


def watch(spec: FeedSpec, lines: list[Line], refused: Iterable[Refused], now: datetime) -> Iterator[Finding]:
    """Findings about the newest of the lines, which is the day that is looked at."""
    line, history = lines[0], lines[1:]
    off = spec.watch.off
    if line.error_code in WEB_PAGE:
        yield Finding("web_page", "critical", line.error or "a web page came instead of data", line.error_code)
    if line.state in ledger.OPEN and "late" not in off:
        yield from _late(spec, line, history, now)
    if line.error_code in ledger.OWN_HOLDS:
        kind = "below_min_rows" if line.error_code == "CH-LEDGER-001" else "above_max_rows"
        wanted = spec.arrives.min_rows if kind == "below_min_rows" else spec.arrives.max_rows
        yield Finding(kind, "critical", line.error or kind, observed=str(line.landed), expected=str(wanted))
    elif line.delivered and "rows" not in off:
        yield from _rows(spec, line, history)
    if line.delivered and "same_body" not in off:
        yield from _same_body(spec, line, history)
    if "clock" not in off:
        yield from _times(spec, line, refused)


def _late(spec: FeedSpec, line: Line, history: list[Line], now: datetime) -> Iterator[Finding]:
    due = line.expected_by
    if due is None or now <= due:
        return
    good = next((item.day for item in history if item.state in ledger.LOADED and item.state != "held"), None)
    kind = "late" if now <= due + MISSING_AFTER else "missing"
    days = (line.day - good).days if good else None
    said = f"nothing has come since {good}, {days} service days" if good else "nothing has ever come"
    remedy = {
        "carry_forward": "; the last good value is carried forward, marked",
        "manual": f"; a file can stand in: cityhub upload {spec.feed} FILE --day {line.day} --by NAME",
    }.get(spec.arrives.fallback, "")
    failed = f"; the last attempt failed: {line.error_code}" if line.error_code else ""
    yield Finding(
        kind,
        "warning" if kind == "late" else "critical",
        f"due at {due.astimezone(SHANGHAI):%Y-%m-%d %H:%M}, {said}{failed}{remedy}",
        observed=line.state,
        expected=due.isoformat(),
        row_count=days,
    )


def _rows(spec: FeedSpec, line: Line, history: list[Line]) -> Iterator[Finding]:
    """Against the median of the last days of the same kind; days of any kind where those are too few."""
    watch, landed = spec.watch, line.landed or 0
    if spec.arrives.per == "month":
        return
    known = [item for item in history if item.delivered and item.state != "held"]
    alike = [item for item in known if item.working == line.working][: watch.history_days]
    used = alike if len(alike) >= watch.history_least else known[: watch.history_days]
    if len(used) < watch.history_least:
        return
    usual = median(item.landed or 0 for item in used)
    kind_of_day = ("working" if line.working else "free") + " " if used is alike else ""
    usual_said = f"{usual:g} rows, the median of {len(used)} {kind_of_day}days"
    low = min(watch.rows_low * usual, usual - SPREAD * sqrt(usual))
    high = max(watch.rows_high * usual, usual + SPREAD * sqrt(usual) + SPREAD)
    if landed < low:
        severity: Severity = "critical" if landed < 0.1 * usual else "warning"
        detail = f"{landed} rows came, usual are {usual_said}"
        yield Finding("few_rows", severity, detail, observed=str(landed), expected=f">= {low:.0f}", row_count=landed)
    elif landed > high:
        detail = f"{landed} rows came, usual are {usual_said}"
        yield Finding("many_rows", "warning", detail, observed=str(landed), expected=f"<= {high:.0f}", row_count=landed)


def _same_body(spec: FeedSpec, line: Line, history: list[Line]) -> Iterator[Finding]:
    moves = spec.identity.day_from is not None or spec.identity.version is not None
    wanted = spec.watch.same_body_days or (SAME_BODY_DAYS if moves and spec.arrives.per == "day" else None)
    if wanted is None or not line.landed or line.content is None:
        return
    days = 1
    for item in history:
        if item.content != line.content or item.day != line.day - timedelta(days=days):
            break
        days += 1
    if days >= wanted:
        first = line.day - timedelta(days=days - 1)
        detail = f"the same content has come on {days} days in a row, since {first}"
        yield Finding("same_body", "critical", detail, observed=f"{days} days", expected=f"< {wanted}", row_count=days)


def _times(spec: FeedSpec, line: Line, refused: Iterable[Refused]) -> Iterator[Finding]:
    ordering = {spec.identity.day_from, spec.identity.version}
    personal = any(spec.fields[name].personal != "no" for name in spec.identity.key)
    for item in refused:
        if item.field not in ordering:
            continue
        kind = "future_clock" if item.reason == "future_time" else "dead_clock"
        says = "a later time than their delivery" if kind == "future_clock" else "a time before 1990"
        example = "" if personal or not item.example else f", e.g. {item.example}"
        severity: Severity = "critical" if item.rows > 0.5 * (line.landed or 0) else "warning"
        detail = f"{item.rows} rows say {says} and were refused{example}"
        yield Finding(kind, severity, detail, item.field, row_count=item.rows)
