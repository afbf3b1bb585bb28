"""What goes into each step of a night and what comes out of it, for its lineage event."""

from __future__ import annotations

from typing import Any

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.observe.lineage import Flow, Job
from warehouse import lake

CHECKED = (
    "SELECT d.feed, q.check_kind, q.column_name, q.success, q.severity FROM quality_result AS q"
    " INNER JOIN delivery AS d ON d.feed = q.feed AND d.service_day = q.service_day"
    " WHERE q.service_day = $day ORDER BY ALL"
)


def of_step(settings: Settings, job: Job, step: str, spec: FeedSpec | None, made: dict[str, Any]) -> Flow:
    """Inputs and outputs of a step that has ended, well or not; `made` is its run summary or stage record."""
    if spec is not None:
        return _landing(settings, job, spec, made) if step == "land" else _load(settings, job, spec, made)
    stages = {"quality": _quality, "indicators": _indicators, "scoring": _scoring, "publication": _publication}
    # push and prune read and write no table: they are jobs without data sets
    return stages[step](settings, job, made) if step in stages else Flow([], [])


def _landing(settings: Settings, job: Job, spec: FeedSpec, run: dict[str, Any]) -> Flow:
    from flow.observe import lineage_datasets as sets

    requests, delivery = run.get("requests") or {}, run.get("delivery")
    about = sets.written(None, requests.get("bytes"), requests.get("bodies")) if delivery else {}
    return Flow(
        [sets.input_of(sets.source(spec), {"schema": sets.columns(spec, received=True)})],
        [sets.output_of(sets.landing(settings, spec.feed, job.day), about=about)],
    )


def _load(settings: Settings, job: Job, spec: FeedSpec, run: dict[str, Any]) -> Flow:
    from flow.observe import lineage_datasets as sets

    counts = run.get("counts") or {}
    changed = counts["inserted"] + counts["updated"] if counts and not run.get("repeated") else 0 if counts else None
    refused = counts.get("quarantined")
    return Flow(
        [sets.input_of(sets.landing(settings, spec.feed, job.day), about=sets.measured(run))],
        [
            sets.output_of(sets.table(spec.table), {"schema": sets.columns(spec)}, sets.written(changed)),
            sets.output_of(sets.table("quarantine"), about=sets.written(refused)),
        ],
    )


def _quality(settings: Settings, job: Job, record: dict[str, Any]) -> Flow:
    from cityhub.spec.read import read_good
    from flow.observe import lineage_datasets as sets

    specs, _ = read_good(settings.feeds)
    results: dict[str, list[dict[str, Any]]] = {}
    for feed, check, column, success, severity in _rows(settings, CHECKED, {"day": job.day}):
        item = {"check": check, "column": column, "success": success, "severity": severity}
        results.setdefault(feed, []).append(item)
    inputs = [
        sets.input_of(sets.table(specs[feed].table), about=sets.checked(items))
        for feed, items in results.items()
        if feed in specs
    ]
    count = sum(len(items) for items in results.values())
    return Flow(inputs, [sets.output_of(sets.table("quality_result"), about=sets.written(count))])


def _indicators(settings: Settings, job: Job, record: dict[str, Any]) -> Flow:
    from flow.observe import lineage_datasets as sets

    found = _rows(settings, "SELECT DISTINCT tables FROM indicator WHERE tables IS NOT NULL", {})
    names = sorted({name.strip() for (text,) in found for name in str(text).split(",") if name.strip()})
    return Flow(
        [sets.input_of(sets.table(name)) for name in names],
        [sets.output_of(sets.table("indicator_value"))],
    )


def _scoring(settings: Settings, job: Job, record: dict[str, Any]) -> Flow:
    from flow.observe import lineage_datasets as sets

    return Flow(
        [sets.input_of(sets.table("indicator_value"))],
        [sets.output_of(sets.table("score")), sets.output_of(sets.table("ranking"))],
    )


def _publication(settings: Settings, job: Job, record: dict[str, Any]) -> Flow:
    from flow.observe import lineage_datasets as sets

    inputs = [sets.input_of(sets.table(name)) for name in ("indicator_value", "score", "ranking")]
    number = (record.get("result") or {}).get("publication")
    return Flow(inputs, [] if number is None else [sets.output_of(sets.publication(settings, int(number)))])


def _rows(settings: Settings, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    con: duckdb.DuckDBPyConnection = lake.connect(settings, read_only=True)
    try:
        return con.execute(sql, values).fetchall()
    finally:
        con.close()
