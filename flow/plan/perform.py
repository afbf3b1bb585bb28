"""Carrying a change out, in the shadow and on the real warehouse by the same steps: load, check, indicators, scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, timedelta

import duckdb

from cityhub.clock import SHANGHAI, month_bounds, month_of
from cityhub.errors import Stop
from cityhub.spec.read import read_good
from flow.plan.change import Delivered, Todo
from flow.plan.ground import Ground
from indicators import dirty
from indicators.engine import compute_again
from scoring.month import SCHEME, score_month
from warehouse import lake
from warehouse.landing import MANIFEST, read_manifest
from warehouse.load import LoadResult, load
from warehouse.names import literal

_SCORED = f"SELECT period, max(as_of) FROM ranking WHERE scheme = {literal(SCHEME)} GROUP BY period ORDER BY period"
# The columns by which a row of a manual table belongs to a month.
MONTHS = {
    "manual_special": ("month",),
    "manual_office": ("month",),
    "manual_digital": ("month",),
    "manual_event": ("decided_on", "occurred_on", "service_day"),
}


def load_all(ground: Ground, deliveries: Iterable[Delivered]) -> list[LoadResult]:
    """Load deliveries in their order. Raises `Stop` CH-PLAN-006 for one that is not in landing as it was."""
    settings = ground.settings
    specs = read_good(settings.feeds)[0]
    results: list[LoadResult] = []
    with closing(lake.connect(settings)) as con:
        for item in deliveries:
            folder = settings.landing / item.feed / item.day.isoformat() / item.load_id
            manifest = read_manifest(folder) if (folder / MANIFEST).is_file() else None
            if manifest is None or manifest.content_sha256 != item.content_sha256 or item.feed not in specs:
                raise Stop("CH-PLAN-006", feed=item.feed, day=item.day, load_id=item.load_id)
            results.append(load(settings, specs[item.feed], manifest, con=con))
    return results


def follow(ground: Ground, results: list[LoadResult], *, since: int, rule: Todo) -> Todo:
    """What follows from loads that changed something since a snapshot, and from a changed rule (`rule`: its days,
    codes and months)."""
    specs = read_good(ground.settings.feeds)[0]
    new = [result for result in results if not result.repeated]
    tables = sorted({specs[result.feed].table for result in new})
    days = {result.service_day for result in new} | set(rule.days)
    check: dict[date, set[str]] = {}
    with closing(lake.connect(ground.settings, read_only=True)) as con:
        checked = {row[0] for row in con.execute("SELECT DISTINCT service_day FROM quality_result").fetchall()}
        for result in new:
            if result.service_day in checked:
                check.setdefault(result.service_day, set()).add(result.feed)
        marked = {mark.day for mark in dirty.marks(con)}
        months = {month_of(day) for day in days | marked} | set(rule.months)
        for table in set(tables) & set(MONTHS):
            months |= _manual_months(con, table, since)
        computed = [day for day in dirty.known_days(con) if month_of(day) in months]
        scored = [row[0] for row in con.execute(_SCORED).fetchall()]
    return Todo(
        days=tuple(sorted(days)),
        tables=tuple(tables),
        codes=rule.codes,
        # what a month says of repeated places rests on the twelve before it
        months=tuple(month for month in scored if any(first <= month <= _year_later(first) for first in months)),
        check=tuple((day, tuple(sorted(feeds))) for day, feeds in sorted(check.items())),
        until=max([*computed, *days], default=None),
    )


def _year_later(month: str) -> str:
    return f"{int(month[:4]) + 1}{month[4:]}"


def _manual_months(con: duckdb.DuckDBPyConnection, table: str, since: int) -> set[str]:
    """Months that rows of a manual table belonged to or belong to, of those that changed since a snapshot."""
    row = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchone()
    newest = int(row[0]) if row else since
    if newest <= since:
        return set()
    cursor = con.execute(f"SELECT * FROM {changes(table, since + 1, newest)}")
    places = [place for place, column in enumerate(cursor.description or []) if column[0] in MONTHS[table]]
    return {str(values[place])[:7] for values in cursor.fetchall() for place in places if values[place] is not None}


def changes(table: str, first: int, last: int) -> str:
    """The change feed of a table of the lake, for a FROM."""
    return f"ducklake_table_changes('lake', 'main', {literal(table)}, {first:d}, {last:d})"


def correct(ground: Ground, finals: Mapping[str, Mapping[str, str]]) -> None:
    """Scores of final months (month → its published switches) as a correction would compute them: for a shadow, which
    nobody keeps."""
    rules, ours = ground.rules()
    for month, switches in finals.items():
        last = month_bounds(month)[1] - timedelta(days=1)
        score_month(ground.settings, month, last, dict(switches), rules=rules, ours=ours, correct=True)


def restate(ground: Ground, todo: Todo, plan: str | None = None) -> None:
    """Quality of the loaded days, indicators of what changed, scores of the months; each writes only what differs."""
    settings = ground.settings
    if todo.check:
        from expectations.run import check_day  # great-expectations costs seconds to import

        specs = read_good(settings.feeds)[0]
        for day, feeds in todo.check:
            check_day(settings, [specs[feed] for feed in feeds], day)
    compute_again(
        settings, todo.days, tables=set(todo.tables), codes=set(todo.codes), folder=ground.indicators, plan=plan
    )
    rules, ours = ground.rules()
    with closing(lake.connect(settings, read_only=True)) as con:
        as_of = {month: moment.astimezone(SHANGHAI).date() for month, moment in con.execute(_SCORED).fetchall()}
    for month in todo.months:
        score_month(settings, month, as_of[month] - timedelta(days=1), rules=rules, ours=ours)
