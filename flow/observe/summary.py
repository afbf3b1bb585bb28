"""The run summary of a feed: what the landing and the load of one attempt say of themselves."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import duckdb

from cityhub import clock
from cityhub.errors import HubError
from cityhub.secrets import redact
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.observe import runs
from flow.observe.diff import COUNTS, diff
from warehouse import findings, ledger
from warehouse.compile import spec_sha256
from warehouse.landing import Manifest
from warehouse.load import LoadResult

REASONS = (
    "SELECT reason || coalesce(':' || field, ''), count(*) FROM quarantine"
    " WHERE feed = $feed AND service_day = $day GROUP BY ALL ORDER BY 2 DESC, 1"
)
FILES = 100  # a delivery of thousands of pages is named by its digest, not page by page
Summary = dict[str, Any]


def of_spec(spec: FeedSpec) -> Summary:
    """What a run begins with: whose it is, and by which spec."""
    return {
        "platform": spec.platform, "table": spec.table, "department": spec.owner.department,
        "spec_sha256": spec_sha256(spec), "columns": [], "load_ids": [], "delivery": None, "requests": None,
        "counts": None, "repeated": None, "findings": [], "quarantine": {}, "error": None, "diff": None,
    }  # fmt: skip


def landed(run: Summary, manifest: Manifest | None, tally: dict[str, Any]) -> None:
    """Put down what came: the delivery with its digest and files, and what bringing it took."""
    run["requests"] = {"calls": tally.get("calls"), "retries": tally.get("retries", 0), "bodies": None, "bytes": None}
    if manifest is None:
        return
    run["requests"] |= {"bodies": len(manifest.parts), "bytes": sum(part.bytes for part in manifest.parts)}
    run["delivery"] = {
        "load_id": manifest.load_id,
        "content_sha256": manifest.content_sha256,
        "stated_total": manifest.stated_total,
        "parts": len(manifest.parts),
        "files": [
            {"file": part.file, "bytes": part.bytes, "sha256": part.sha256, "received_at": part.received_at}
            for part in manifest.parts[:FILES]
        ],
    }
    run["columns"] = sorted({name for part in manifest.parts for name in part.columns})
    run["findings"] = sorted(set(manifest.findings))


def loaded(run: Summary, results: list[LoadResult], tally: dict[str, Any]) -> None:
    """Put down what the loads did; the counts of several deliveries are added."""
    rows = [asdict(result) for result in results]
    run["load_ids"] = [result.load_id for result in results]
    run["counts"] = {name: sum(row[name] for row in rows) for name in COUNTS}
    run["repeated"] = all(result.repeated for result in results)
    run["columns"] = sorted(tally.get("columns") or run["columns"])


def from_warehouse(con: duckdb.DuckDBPyConnection, run: Summary) -> None:
    """Put down what the warehouse knows of the feed's day: its state, what the load found, why rows were refused. One
    or two queries: the findings of others are added once a night by `with_findings`."""
    feed, day = run["feed"], datetime.fromisoformat(run["service_day"]).date()
    row = ledger.row(con, feed, day)
    if row is not None:
        run["state"] = row.state if run["error"] is None else "failed"
        run["ledger"] = {"state": row.state, "since": row.since, "error_code": row.error_code}
        noted = [text for text in (row.findings or "").split("; ") if text]
        run["findings"] = sorted({*run["findings"], *noted})
    if row is None or row.quarantined:
        reasons = con.execute(REASONS, {"feed": feed, "day": day}).fetchall()
        run["quarantine"] = {str(reason): int(rows) for reason, rows in reasons}


def with_findings(con: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> int:
    """Add to the newest run of each feed's day the findings that are open about it, whoever found them; the number of
    summaries that were changed."""
    by_feed: dict[str, list[findings.Stored]] = {}
    for item in findings.stored(con, day=day):
        by_feed.setdefault(item.feed, []).append(item)
    changed = 0
    for feed, items in by_feed.items():
        run = runs.newest(settings, feed, day)
        if run is None:
            continue
        told = {f"{item.kind}:{item.subject}" if item.subject else item.kind for item in items}
        severities = {name: sum(item.severity == name for item in items) for name in ("critical", "warning", "info")}
        if told <= set(run["findings"]) and run.get("severities") == severities:
            continue
        run |= {"findings": sorted(told | set(run["findings"])), "severities": severities}
        against = (run.get("diff") or {}).get("against")
        if against:
            before = date.fromisoformat(against["service_day"])
            known = {item["run_id"]: item for item in runs.of_day(settings, feed, before)}
            run["diff"] = diff(run, known.get(against["run_id"])) or run["diff"]
        runs.amend(settings, run)
        changed += 1
    return changed


def failed(run: Summary, error: BaseException) -> None:
    """Put down why the run failed; an error that is none of ours is named, its text stays in the log."""
    run["state"] = "failed"
    if isinstance(error, HubError):
        run["error"] = error.as_dict()
    else:
        run["error"] = {"code": None, "family": None, "what": redact(type(error).__name__), "where": {}}


def ended(run: Summary) -> None:
    """Put down when it ended, and how long it took from its beginning."""
    end = clock.now()
    run["finished_at"] = end.isoformat()
    run["seconds"] = round(sum(run["stages"].values()), 3)
