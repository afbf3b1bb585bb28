"""Rows that come late, corrected, or in an older version."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from cityhub.spec.source import DatabaseSource
from conformance import moments, vary
from conformance.dump import difference
from conformance.records import Record, put, value
from conformance.result import NotApplicable, must
from conformance.trial import Bench, Trial, day_before

FAR = 37  # a step of the key that no row of the sample has


def late(bench: Bench) -> str:
    """A row of two days ago among today's."""
    name = bench.spec.identity.day_from
    if name is None:
        raise NotApplicable("the rows have no time of their own: each belongs to the day that delivers it")
    field = bench.spec.fields[name]
    row = vary.with_key(bench.spec, bench.rows[0], FAR) or bench.rows[0]
    earlier = moments.moved(value(row, field.source), field, timedelta(days=-2))
    if earlier is None:
        raise NotApplicable(f"the time in {field.source} has a form that cannot be moved")
    row, own = put(row, field.source, earlier), day_before(bench.day, 2)
    asked_by_own = _asked_by(bench, field.source)
    if not asked_by_own:
        (row,) = stored_on(bench, [row], bench.day)
    with bench.trial() as trial:
        trial.brings(bench.rows)
        before = dict(trial.stored("service_day, count(*)", "true GROUP BY 1"))
        result = trial.brings([*bench.rows, row], day=own if asked_by_own else None)
        after = dict(trial.stored("service_day, count(*)", "true GROUP BY 1"))
        must(after.get(own) == before.get(own, 0) + 1, f"{after.get(own, 0)} rows stand on {own}, the row's own day")
        must(own in result.days, f"{own} was not marked for recomputation, only {_days(result.days)}")
        marked = bench.hub.rows(
            f"SELECT 1 FROM dirty_day WHERE table_name = '{trial.spec.table}' AND service_day = '{own}'"
        )
        must(bool(marked), f"{own} does not stand among the days to recompute")
        must(
            all(after.get(day) == rows for day, rows in before.items() if day != own),
            "rows of other days came or went with it",
        )
    return f"came with {bench.day}, stands on {own}, which is marked"


def _days(days: tuple[Any, ...]) -> str:
    return ", ".join(str(day) for day in days) or "none"


def _asked_by(bench: Bench, source: str) -> bool:
    """Whether the source is asked for rows by this very time, so that a late one comes with a run of its own day."""
    asked = bench.spec.source
    return isinstance(asked, DatabaseSource) and asked.day_column == source and asked.cursor is None


def corrected(bench: Bench) -> str:
    """The same key with another value, in a later delivery of the same day."""
    found = vary.corrected(bench.spec, bench.rows[0])
    if found is None:
        raise NotApplicable("no field can be corrected: all are key, time, unit or personal")
    name, row = found[0], versioned(bench, found[1], hours=1)
    with bench.trial() as trial:
        trial.brings(bench.rows)
        result = trial.brings([row, *bench.rows[1:]])
        must(trial.count() == len(bench.rows), f"{trial.count()} rows are stored of {len(bench.rows)} keys")
        must(result.updated == 1, f"{result.updated} rows were updated instead of one")
        must(bool(result.days), "no day was marked for recomputation")
        after = trial.table()
        fewer = [text for text in bench.undisturbed if text not in after]
        must(len(fewer) == 1, f"after the correction of {name}, {len(fewer)} rows are others than before")
    return f"{name} corrected; one row updated"


def older(bench: Bench) -> str:
    """By the version that the row carries; without one, by the day of the delivery."""
    found = vary.corrected(bench.spec, bench.rows[0])
    if found is None:
        raise NotApplicable("no field can differ between versions: all are key, time, unit or personal")
    new = [versioned(bench, found[1], hours=1), *bench.rows[1:]]
    with bench.trial() as trial:
        trial.brings(new)
        before = trial.table()
        result = brings_older(trial, bench.rows)
        seen = difference({"": before}, {"": trial.table()})
        must(seen is None, f"after an older {found[0]} came, {seen}")
        must(result >= 1, "the older version was not counted as one")
    return "kept the newer one" + ("" if bench.spec.identity.version else " (by the day of the delivery)")


def stored_on(bench: Bench, rows: list[Record], day: date) -> list[Record]:
    """Rows that a database stored on this day, where it is asked for them by that."""
    source = bench.spec.source
    if not isinstance(source, DatabaseSource) or not source.day_column or source.cursor is not None:
        return rows
    return [{**row, source.day_column: f"{day.isoformat()} 08:00:00"} for row in rows]


def versioned(bench: Bench, row: Record, *, hours: int) -> Record:
    """The row in a later version, where rows carry one."""
    name = bench.spec.identity.version
    if name is None:
        return row
    field = bench.spec.fields[name]
    raw = value(row, field.source)
    if field.type == "integer" and raw is not None:
        return put(row, field.source, type(raw)(int(raw) + hours))
    later = moments.moved(raw, field, timedelta(hours=hours) if field.type == "timestamp" else timedelta(days=hours))
    if later is None:
        raise NotApplicable(f"the version in {field.source} has a form that cannot be moved")
    return put(row, field.source, later)


def brings_older(trial: Trial, rows: list[Record]) -> int:
    """Have an older delivery of these rows come now; the number of rows that were counted as older or repeated."""
    bench = trial.bench
    if bench.spec.identity.version is not None:
        return trial.brings(rows).duplicate
    earlier = day_before(bench.day)
    if bench.spec.arrives.per == "month" and earlier.month != bench.day.month:
        raise NotApplicable("the day before belongs to another month, whose delivery is another one")
    of = bench.spec.identity.day_from
    if of is not None and _asked_by(bench, bench.spec.fields[of].source):
        raise NotApplicable("rows carry no version, and the source is asked for them by their own time alone")
    return trial.brings(stored_on(bench, rows, earlier), day=earlier).duplicate
