"""What the steps of a night are watched by: summaries, lineage events, metrics. A step's outcome is never changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import duckdb

from cityhub import clock, tally
from cityhub.disk import explained
from cityhub.errors import HubError
from cityhub.files import write_json
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.observe import lineage, lineage_flows, metrics, nights, runs, summary
from flow.observe.diff import diff
from flow.observe.quietly import quietly
from warehouse import lake
from warehouse.issues import update as update_issues
from warehouse.landing import Manifest
from warehouse.load import LoadResult

# A run in one of these has been loaded, or never will be: what comes next is another attempt.
OVER = {"failed", "loaded", "checked", "published", "empty_confirmed", "held"}


@dataclass
class Watched:
    """The step under way; the step tells what it made."""

    day: date
    manifest: Manifest | None = None
    results: list[LoadResult] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


@contextmanager
def landing(settings: Settings, spec: FeedSpec, day: date) -> Iterator[Watched]:
    """Watch the landing of a feed's day: it begins a run, which its load goes on with."""
    run: runs.Summary = {}
    with quietly("run summary"):
        run |= runs.begin(settings, spec.feed, day, **summary.of_spec(spec))
    with _watching(settings, spec, day, "land", run) as (watched, counts):
        yield watched
        if run:
            summary.landed(run, watched.manifest, counts)
            run["state"] = "landed" if watched.manifest else "nothing"


@contextmanager
def loading(settings: Settings, spec: FeedSpec, day: date, con: duckdb.DuckDBPyConnection) -> Iterator[Watched]:
    """Watch the load of a feed's day; it ends the run that the landing began, or is one of its own."""
    run: runs.Summary = {}
    with quietly("run summary"):
        before = runs.newest(settings, spec.feed, day)
        begun = before is not None and before["state"] not in OVER and "load" not in before["stages"]
        run |= before if before and begun else runs.begin(settings, spec.feed, day, **summary.of_spec(spec))
    with _watching(settings, spec, day, "load", run, con) as (watched, counts):
        yield watched
        if run:
            summary.loaded(run, watched.results, counts)


@contextmanager
def _watching(
    settings: Settings, spec: FeedSpec, day: date, stage: str, run: runs.Summary,
    con: duckdb.DuckDBPyConnection | None = None,
) -> Iterator[tuple[Watched, dict[str, Any]]]:  # fmt: skip
    watched, began = Watched(day), time.monotonic()
    job = lineage.Job(f"{spec.feed}.{stage}", run.get("id", "?"), day, spec.owner.department)
    _tell(settings, "START", job)
    problem: BaseException | None = None
    try:
        with tally.collecting() as counts, explained():
            yield watched, counts
    except BaseException as error:
        problem = error
        raise
    finally:
        if run:
            with quietly("run summary"):
                run["stages"][stage] = round(time.monotonic() - began, 3)
                _end(settings, run, problem, con, ends=stage == "load" or problem is not None)
        error_facts = run.get("error") if problem is not None else None
        _tell(settings, "FAIL" if problem is not None else "COMPLETE", job, (stage, spec, run), error_facts)


def _end(
    settings: Settings, run: runs.Summary, problem: BaseException | None, con: duckdb.DuckDBPyConnection | None, *,
    ends: bool,
) -> None:  # fmt: skip
    if problem is not None:
        summary.failed(run, problem)
    if not ends:
        runs.write(settings, run)
        return
    summary.ended(run)
    if con is not None:
        with quietly("ledger of the run"):
            summary.from_warehouse(con, run)
    before = runs.last(settings, run["feed"])
    run["diff"] = diff(run, before["run"] if before else None)
    runs.finish(settings, run, success=problem is None)
    metrics.write(settings)


@contextmanager
def stage(settings: Settings, name: str, day: date) -> Iterator[Watched]:
    """Watch one stage that follows the feeds; what it says of itself stands in `runs/_stage/<day>/<name>.json`."""
    watched, began, at = Watched(day), time.monotonic(), clock.now()
    job = lineage.Job(name, f"{lineage.night_of(day).run} {at.isoformat()}", day)
    _tell(settings, "START", job)
    record: dict[str, Any] = {"schema_version": runs.SCHEMA_VERSION, "stage": name, "service_day": day.isoformat()}
    record |= {"started_at": at.isoformat(), "state": "success", "error": None}
    try:
        with explained():
            yield watched
    except BaseException as error:
        record["state"] = "failed"
        record["error"] = (
            error.as_dict() if isinstance(error, HubError) else {"code": None, "what": type(error).__name__}
        )
        raise
    finally:
        record |= {"finished_at": clock.now().isoformat(), "seconds": round(time.monotonic() - began, 3)}
        record["result"] = watched.told | watched.more
        with quietly("stage record"):
            write_json(runs.root(settings) / runs.STAGES / day.isoformat() / f"{name}.json", record)
            runs.prune(runs.root(settings) / runs.STAGES, day.isoformat())
        with quietly("metrics"):
            # the end of the night reads the warehouse; a stage that fails may keep it from coming
            metrics.measure(settings) if record["state"] == "failed" else metrics.write(settings)
        kind: lineage.Kind = "FAIL" if record["state"] == "failed" else "COMPLETE"
        _tell(settings, kind, job, (name, None, record), record["error"])


def _tell(
    settings: Settings,
    kind: lineage.Kind,
    job: lineage.Job,
    made: tuple[str, FeedSpec | None, dict[str, Any]] | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    with quietly("lineage"):
        if lineage.target() is None:
            return
        flow = lineage_flows.of_step(settings, job, *made) if made else None
        lineage.emit(settings, kind, job, flow, error=error, parent=lineage.night_of(job.day))


def issues(settings: Settings, specs: dict[str, FeedSpec], watched: Watched) -> None:
    """Open, carry on and close what departments have to see to; the stage's record says how many."""
    with quietly("issues"):
        con = lake.connect(settings)
        try:
            watched.more["issues"] = asdict(update_issues(con, settings, specs))
            summary.with_findings(con, settings, watched.day)
        finally:
            con.close()


def published(settings: Settings, day: date) -> None:
    """Under a scheduler the publication ends the night; the in-process night ends itself."""
    if "CITYHUB_NIGHT" not in os.environ:
        nights.end(settings, day)
