"""The ledger: one row per feed and service day, its present state, its counts, and whose move it is.

All functions but those that say so work inside the write transaction that the caller holds, so that the
rows of a load and its line in the ledger are committed together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args

import duckdb

from cityhub import clock
from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from warehouse import lake

State = Literal["expected", "landed", "loaded", "checked", "published", "empty_confirmed", "held", "failed"]
STATES: tuple[State, ...] = get_args(State)
GOOD = ("loaded", "checked", "published", "empty_confirmed")  # the day came, and nothing speaks against it
LOADED = (*GOOD, "held")  # rows of that day can be queried
OPEN = ("expected", "landed", "failed")  # nothing of that day is in the warehouse yet
NOTHING_CAME = ("CH-RUN-002", "CH-PULL-051")
OWN_HOLDS = ("CH-LEDGER-001", "CH-LEDGER-004")  # too few or too many rows: only another load can end that


@dataclass(frozen=True)
class Row:
    """One line of `delivery`, in the order of its columns. Times carry their zone; counts are rows."""

    feed: str
    platform: str
    service_day: date
    state: str
    landed: int | None = None
    loaded: int | None = None
    duplicate: int | None = None
    quarantined: int | None = None
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    late: int | None = None
    flagged: int | None = None
    stated_total: int | None = None
    load_id: str | None = None
    loads: int | None = None
    content_sha256: str | None = None
    spec_sha256: str | None = None
    expected_by: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None
    whose_move: str | None = None
    since: datetime | None = None
    findings: str | None = None
    manual: str | None = None
    manual_by: str | None = None
    manual_why: str | None = None


COLUMNS = tuple(field.name for field in fields(Row))
SELECT = f"SELECT {', '.join(COLUMNS)} FROM delivery "
DELETE = "DELETE FROM delivery WHERE feed = $feed AND service_day = $day"
INSERT = f"INSERT INTO delivery ({', '.join(COLUMNS)}) VALUES ({', '.join('$' + name for name in COLUMNS)})"


@dataclass(frozen=True)
class Load:
    """What one load did, as the loader counts it; `landed = loaded + duplicate + quarantined`."""

    load_id: str
    landed: int
    loaded: int
    duplicate: int
    quarantined: int
    inserted: int
    updated: int
    unchanged: int
    late: int
    flagged: int
    content_sha256: str
    spec_sha256: str
    started_at: datetime
    finished_at: datetime
    landing_folder: str
    stated_total: int | None = None
    findings: tuple[str, ...] = ()
    manual: str | None = None
    manual_by: str | None = None
    manual_why: str | None = None


COUNTS = (
    "landed", "loaded", "duplicate", "quarantined", "inserted", "updated", "unchanged", "late", "flagged",
)  # fmt: skip
FINDINGS = 20  # a day of many deliveries keeps the newest
LOG_COLUMNS = (
    "load_id", "feed", "service_day", "landed", "loaded", "duplicate", "quarantined", "inserted", "updated",
    "unchanged", "late", "flagged", "content_sha256", "spec_sha256", "landing_folder", "finished_at",
)  # fmt: skip
LOG = f"INSERT INTO load_log ({', '.join(LOG_COLUMNS)}) VALUES ({', '.join('$' + n for n in LOG_COLUMNS)})"


def expected_by(spec: FeedSpec, day: date) -> datetime:
    """The moment after which a missing delivery is late: the spec's time on the day after the service day;
    a monthly delivery is due on the day after its month."""
    last = clock.month_bounds(clock.month_of(day))[1] - timedelta(days=1) if spec.arrives.per == "month" else day
    return datetime.combine(last + timedelta(days=1), time.fromisoformat(spec.arrives.expected_by), clock.SHANGHAI)


def delivery_rows(con: duckdb.DuckDBPyConnection, day: date) -> list[Row]:
    """The ledger of one service day, by platform and feed."""
    found = con.execute(SELECT + "WHERE service_day = $day ORDER BY platform, feed", {"day": day})
    return [Row(*values) for values in found.fetchall()]


def row(con: duckdb.DuckDBPyConnection, feed: str, day: date) -> Row | None:
    """One delivery, or None where the ledger knows nothing of it."""
    found = con.execute(SELECT + "WHERE feed = $feed AND service_day = $day", {"feed": feed, "day": day})
    values = found.fetchone()
    return Row(*values) if values else None


def expect(con: duckdb.DuckDBPyConnection, specs: Mapping[str, FeedSpec] | Iterable[FeedSpec], day: date) -> int:
    """Write an `expected` line for each active feed that the day has none of; the number written."""
    known = {item.feed for item in delivery_rows(con, day)}
    every = specs.values() if isinstance(specs, Mapping) else specs
    new = [spec for spec in every if spec.active and spec.feed not in known]
    for spec in new:
        due = expected_by(spec, day)
        _put(
            con,
            Row(spec.feed, spec.platform, day, "expected", expected_by=due, whose_move=owner(spec), since=due),
        )
    return len(new)


def record_load(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, load: Load) -> Row:
    """Note a load in the ledger and in `load_log`; a former failure of the day is over with it.

    Fewer rows than `arrives.min_rows` hold the day (CH-LEDGER-001), so do more than `arrives.max_rows`
    (CH-LEDGER-004); no rows where none are demanded confirm it empty. A delivery that a later one of its day has
    replaced, loaded again under other rules, is noted in the log alone. A pushed feed has many deliveries a day: its
    line has their sum, and a day that is not over is not held for too few. Raises `Stop` CH-LEDGER-002 when the
    counts do not add up; the caller rolls back.
    """
    counts = {name: getattr(load, name) for name in ("landed", "loaded", "duplicate", "quarantined")}
    if load.landed != load.loaded + load.duplicate + load.quarantined:
        raise Stop("CH-LEDGER-002", feed=spec.feed, day=day.isoformat(), **counts)
    before = row(con, spec.feed, day) or Row(spec.feed, spec.platform, day, "expected")
    pushed = spec.source.kind in PUSHED
    told = _with_earlier(con, spec.feed, day, load, before) if pushed else load
    if not pushed and later(before.load_id, load.load_id):
        _log(con, spec.feed, day, load)
        return before
    after = replace(
        before,
        state="loaded" if told.landed else "empty_confirmed",
        **{name: value for name, value in asdict(told).items() if name in COLUMNS and name != "findings"},
        loads=(before.loads or 0) + 1,
        expected_by=before.expected_by or expected_by(spec, day),
        error_code=None,
        error=None,
        whose_move=None,
        since=None,
        findings="; ".join(told.findings) or None,
    )
    after = _held_if_implausible(after, spec, over=not pushed or clock.now() >= clock.day_bounds(day)[1])
    _put(con, after)
    _log(con, spec.feed, day, load)
    return after


def later(one: str | None, other: str) -> bool:
    """Whether a load id is that of a later delivery: ids begin with their time."""
    return one is not None and one.split("-", maxsplit=1)[0] > other.split("-", maxsplit=1)[0]


def overtaken(con: duckdb.DuckDBPyConnection, feed: str, day: date, load_id: str) -> bool:
    """Whether a later delivery of the day, or one of a later day, has been loaded."""
    found = con.execute(
        "SELECT 1 FROM load_log WHERE feed = $feed AND (service_day > $day OR (service_day = $day"
        " AND split_part(load_id, '-', 1) > split_part($load_id, '-', 1))) LIMIT 1",
        {"feed": feed, "day": day, "load_id": load_id},
    ).fetchone()
    return found is not None


def _log(con: duckdb.DuckDBPyConnection, feed: str, day: date, load: Load) -> None:
    log = asdict(load) | {"feed": feed, "service_day": day}
    con.execute(LOG, {name: log[name] for name in LOG_COLUMNS})


def _with_earlier(con: duckdb.DuckDBPyConnection, feed: str, day: date, load: Load, before: Row) -> Load:
    """The load with the counts of the day's other deliveries added, each as its last load counted it, and with what
    was found in them."""
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COUNTS)
    found = con.execute(
        f"SELECT {sums} FROM (SELECT * FROM load_log WHERE feed = $feed AND service_day = $day AND load_id <> $load_id"
        " QUALIFY row_number() OVER (PARTITION BY load_id ORDER BY finished_at DESC) = 1)",
        {"feed": feed, "day": day, "load_id": load.load_id},
    ).fetchone()
    earlier = dict(zip(COUNTS, found or (0,) * len(COUNTS), strict=True))
    known = [text for text in (before.findings or "").split("; ") if text]
    findings = tuple(dict.fromkeys([*known, *load.findings]))[-FINDINGS:]
    return replace(load, findings=findings, **{name: getattr(load, name) + int(earlier[name]) for name in COUNTS})


def _held_if_implausible(after: Row, spec: FeedSpec, *, over: bool) -> Row:
    """Held where the rows are too many, or too few and the day is over; else as given."""
    landed, most = after.landed or 0, spec.arrives.max_rows
    if most is not None and landed > most:
        reason = Stop("CH-LEDGER-004", landed=landed, max_rows=most)
    elif over and landed < spec.arrives.min_rows:
        reason = Stop("CH-LEDGER-001", landed=landed, min_rows=spec.arrives.min_rows)
    else:
        return after
    return replace(
        after,
        state="held",
        error_code=reason.code,
        error=_sentence(reason),
        whose_move=owner(spec),
        since=clock.now(),
    )


def hold_if_few(con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, day: date) -> bool:
    """Hold the day of a pushed feed that is over and brought too few rows in all; whether it is held now by this. A
    transaction of its own, and only when there is something to write."""
    before = row(con, spec.feed, day)
    if before is None or before.state not in {"loaded", "empty_confirmed"}:
        return False
    after = _held_if_implausible(before, spec, over=True)
    if after == before:
        return False
    with lake.write(con, settings, f"held {spec.feed} {day}"):
        _put(con, after)
    return True


def record_failure(settings: Settings, spec: FeedSpec, day: date, error: HubError) -> None:
    """Note that a feed's day went wrong, in a transaction of its own.

    A day without rows becomes `failed`, since the first failure; a day that was loaded before keeps its state
    and its counts and only carries the error, because its rows are still good. A held day keeps its reason
    and notes the failure among its findings.
    """
    con = lake.connect(settings)
    try:
        with lake.write(con, settings, f"failure {spec.feed} {day}"):
            known = row(con, spec.feed, day)
            before = known or Row(spec.feed, spec.platform, day, "expected", expected_by=expected_by(spec, day))
            after = _failed(before, spec, error)
            if after != known:
                _put(con, after)
    finally:
        con.close()


def _failed(before: Row, spec: FeedSpec, error: HubError) -> Row:
    if before.state == "held":
        noted = [text for text in (before.findings or "").split("; ") if text]
        return replace(before, findings="; ".join(dict.fromkeys([*noted, f"failure:{error.code}"])))
    if before.manual == "empty" and error.code in NOTHING_CAME:
        return before  # that is what somebody confirmed
    return replace(
        before,
        state=before.state if before.state in LOADED else "failed",
        error_code=error.code,
        error=_sentence(error),
        whose_move=whose_move(spec, error),
        since=before.since if before.error_code and before.since else clock.now(),
    )


def recovered(con: duckdb.DuckDBPyConnection, settings: Settings, feed: str, day: date) -> bool:
    """Take the error off a day whose rows are in and whose source answers again with the same content.

    A transaction of its own, and only when there is something to take off; a held day keeps its reason.
    """
    before = row(con, feed, day)
    if before is None or before.error_code is None or before.state not in LOADED or before.state == "held":
        return False
    with lake.write(con, settings, f"recovered {feed} {day}"):
        _put(con, replace(before, error_code=None, error=None, whose_move=None, since=None))
    return True


def set_state(con: duckdb.DuckDBPyConnection, feed: str, day: date, state: State, *, reason: str | None = None) -> None:
    """Move a delivery to another state; `reason` explains a `held`. Raises `Stop` CH-LEDGER-003.

    A day held for too few or too many rows stays held until it is loaded again: no later check knows better.
    """
    if state not in STATES:
        raise ValueError(f"unknown delivery state {state!r}; one of {', '.join(STATES)}")
    before = row(con, feed, day)
    if before is None:
        raise Stop("CH-LEDGER-003", feed=feed, day=day.isoformat())
    if state == "checked" and before.error_code in OWN_HOLDS:
        state = "held"
    after = replace(before, state=state)
    if state == "held":
        after = replace(after, error=reason or before.error, since=before.since or clock.now())
    elif before.state == "held":
        after = replace(after, error_code=None, error=None, whose_move=None, since=None)
    if after != before:
        _put(con, after)


def confirm_empty(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, day: date, *, by: str, why: str
) -> bool:
    """Note that a person says a day had no rows, in a transaction of its own; whether there was something to write.
    Whatever depends on the day is computed again. The caller has made sure that no rows are there."""
    before = row(con, spec.feed, day)
    before = before or Row(spec.feed, spec.platform, day, "expected", expected_by=expected_by(spec, day))
    if (before.state, before.manual, before.manual_by, before.manual_why) == ("empty_confirmed", "empty", by, why):
        return False
    zero = dict.fromkeys(COUNTS, 0)
    after = replace(
        Row(spec.feed, spec.platform, day, "empty_confirmed", **zero),  # type: ignore[arg-type]  # counts are numbers
        loads=before.loads,
        expected_by=before.expected_by,
        finished_at=clock.now(),
        findings=before.findings,
        manual="empty",
        manual_by=by,
        manual_why=why,
    )
    with lake.write(con, settings, f"confirmed empty {spec.feed} {day}"):
        _put(con, after)
        con.execute(
            "INSERT INTO dirty_day (table_name, service_day, load_id, marked_at) VALUES ($table, $day, 'empty', $at)",
            {"table": spec.table, "day": day, "at": clock.now()},
        )
    return True


def record_landed(con: duckdb.DuckDBPyConnection, settings: Settings, feed: str, day: date) -> bool:
    """Note that the bytes of a day that had brought nothing are in landing, in a transaction of its own; whether
    there was something to note. A failure of the day stays beside it until the load."""
    before = row(con, feed, day)
    if before is None or before.state not in {"expected", "failed"}:
        return False
    with lake.write(con, settings, f"landed {feed} {day}"):
        _put(con, replace(before, state="landed"))
    return True


def record_published(con: duckdb.DuckDBPyConnection, settings: Settings, month: str, until: date) -> int:
    """Move the checked deliveries of a month up to a day to `published`, in a transaction of its own; their number."""
    first = clock.month_bounds(month)[0]
    values: dict[str, object] = {"first": first, "until": until}
    where = "state = 'checked' AND service_day BETWEEN $first AND $until"
    found = con.execute(f"SELECT count(*) FROM delivery WHERE {where}", values).fetchone()
    if found and found[0]:
        with lake.write(con, settings, f"published {month} {until}"):
            con.execute(f"UPDATE delivery SET state = 'published' WHERE {where}", values)
    return int(found[0]) if found else 0


def overdue(con: duckdb.DuckDBPyConnection, now: datetime) -> list[Row]:
    """Deliveries of any day that should have been there by `now` and have brought nothing, oldest first."""
    found = con.execute(
        SELECT + "WHERE state IN ('expected', 'landed', 'failed') AND expected_by < $now"
        " ORDER BY service_day, platform, feed",
        {"now": now},
    )
    return [Row(*values) for values in found.fetchall()]


def owner(spec: FeedSpec) -> str:
    """Who answers for a feed, with the number to call."""
    return f"{spec.owner.department} {spec.owner.person} {spec.owner.phone}"


def whose_move(spec: FeedSpec, error: HubError) -> str:
    """Who must act. `Retry` means that nobody need act at once; what the catalogue gives to the people of
    the hub stays with them; all else is for the owner of the feed."""
    who = error.part("who")
    if error.family == "Retry":
        return f"data engineer (the hub tries again; if it stays: {owner(spec)})"
    if who in {"whoever runs the hub", "data engineer", "you"}:
        return who
    return owner(spec)


def _sentence(error: HubError) -> str:
    """The error in one line: what, and where; `HubError` has taken every secret out."""
    known = {"feed", "day", "service_day"}  # the row says these already
    where = ", ".join(f"{key}={value}" for key, value in error.as_dict()["where"].items() if key not in known)
    return error.part("what") + (f" ({where})" if where else "")


def _put(con: duckdb.DuckDBPyConnection, new: Row) -> None:
    con.execute(DELETE, {"feed": new.feed, "day": new.service_day})
    con.execute(INSERT, asdict(new))
