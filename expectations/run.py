"""The quality run of a day: all delivered feeds in one process, one context, one connection.

The import of great-expectations alone takes seconds, so this runs once a day and never once a feed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # before the import, which reads it

import duckdb
import great_expectations as gx
from duckdb_sqlalchemy import ConnectionWrapper
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.exceptions import GreatExpectationsError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from cityhub import log
from cityhub.errors import Stop
from cityhub.files import keep_text
from cityhub.secrets import redact
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from expectations import report, results, suite
from expectations.results import QualityResult
from warehouse import lake, ledger

_log = log.get("cityhub.quality")
# Counts only: sample values would copy personal fields into tables and cost a query each.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_BLAME = """
UPDATE delivery SET error_code = 'CH-QUAL-002', whose_move = $who WHERE feed = $feed AND service_day = $day
"""
COPIED_ROWS = 300_000
CHECKED = ("loaded", "checked", "published", "held")


def check_day(
    settings: Settings,
    specs: Mapping[str, FeedSpec] | Iterable[FeedSpec],
    day: date,
    *,
    con: duckdb.DuckDBPyConnection | None = None,
) -> list[QualityResult]:
    """Check every feed that delivered rows for the day: results, ledger, page.

    A failed critical check holds the feed's day, otherwise it is checked; a feed that did not deliver is left
    to the ledger. A second run over the same rows writes nothing. `con` has the lake attached;
    without it one is opened.
    """
    if con is None:
        with closing(lake.connect(settings)) as own:
            return check_day(settings, specs, day, con=own)
    every = list(specs.values() if isinstance(specs, Mapping) else specs)
    rows = {row.feed: row for row in ledger.delivery_rows(con, day)}
    wanted = [spec for spec in every if spec.feed in rows and rows[spec.feed].state in CHECKED]
    found: list[QualityResult] = []
    with _source(con) as (cursor, batches):
        for spec in wanted:
            _stage(cursor, spec, day, rows[spec.feed].loaded or 0)
            found += _check(batches, spec, day, settings)
    _store(con, settings, wanted, day, rows=rows, found=found)
    if found:
        report.put(settings, day, report.render(con, day))
    return found


@contextmanager
def _source(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[duckdb.DuckDBPyConnection, Any]]:
    """A cursor on the lake, and a batch definition over its temporary `batch_rows`.

    Attaching in a connect event would break the dialect, so a `creator` hands over a connection that is
    attached already. One asset serves all feeds: adding an asset costs more than checking a feed.
    """
    cursor = con.cursor()
    cursor.execute("SET TimeZone = 'Asia/Shanghai'")
    cursor.execute("USE lake")

    def make() -> ConnectionWrapper:
        return ConnectionWrapper(cursor)

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_or_update_sql(
        "lake",
        connection_string="duckdb://",
        create_temp_table=False,
        kwargs={
            "creator": make,
            "poolclass": StaticPool,
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "pool_reset_on_return": None,
        },
    )
    try:
        asset = source.add_query_asset("rows", query="SELECT * FROM batch_rows")
        yield cursor, asset.add_batch_definition_whole_table("day")
    finally:
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()


def _stage(cursor: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, rows: int) -> None:
    """Make the rows of a feed's day readable as `batch_rows`. A dozen queries follow: small days are copied
    once (planning over the lake costs more than reading them), large ones stay where they are."""
    query = suite.batch_query(spec, day)
    if rows <= COPIED_ROWS:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE batch_copy AS {query}")
        query = "SELECT * FROM batch_copy"
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW batch_rows AS {query}")


def _check(batches: Any, spec: FeedSpec, day: date, settings: Settings) -> list[QualityResult]:
    made = suite.build(spec, day)
    path = settings.home / "quality" / day.isoformat() / "suites" / f"{spec.feed}.json"
    keep_text(path, json.dumps(made.to_json_dict(), ensure_ascii=False, indent=1, default=str) + "\n")
    try:
        outcome = batches.get_batch().validate(made, result_format=RESULT_FORMAT)
    except (GreatExpectationsError, SQLAlchemyError, duckdb.Error) as error:
        return [_errored(spec, day, item, str(error)) for item in made.expectations]
    return sorted((_result(spec, day, item) for item in outcome.results), key=lambda item: item.check_id)


def _result(spec: FeedSpec, day: date, item: Any) -> QualityResult:
    config, found = item.expectation_config, item.result or {}
    problem = _problem(item.exception_info)
    if problem is not None:
        return _errored(spec, day, config, problem)
    observed = found.get("observed_value", found.get("unexpected_percent"))
    count = found.get("unexpected_count")
    if "unexpected_rows_query" in config.kwargs:
        count = observed
    return QualityResult(
        spec.feed,
        day,
        config.meta["check_id"],
        config.meta["kind"],
        config.kwargs.get("column"),
        str(getattr(config.severity, "value", config.severity)),
        bool(item.success),
        False,
        None if observed is None else f"{observed:.6g}" if isinstance(observed, float) else str(observed),
        _expected(config.kwargs),
        None if count is None else int(count),
        found.get("element_count"),
        config.meta["note"],
    )


def _errored(spec: FeedSpec, day: date, config: Any, problem: str) -> QualityResult:
    """An expectation that raises is an error of the check, not bad data: it never holds a day."""
    check_id = config.meta["check_id"]
    detail = redact(" ".join(problem.split())[:200])
    error = Stop("CH-QUAL-001", check=check_id, feed=spec.feed, day=day.isoformat(), detail=detail)
    kwargs = getattr(config, "kwargs", None) or {"column": getattr(config, "column", None)}
    severity = str(getattr(config.severity, "value", config.severity))
    log.event(_log, "check_errored", feed=spec.feed, interval=day, check=check_id, detail=detail)
    return QualityResult(
        spec.feed, day, check_id, config.meta["kind"], kwargs.get("column"), severity,
        False, True, None, None, None, None, f"{error.code}: {detail}",
    )  # fmt: skip


def _problem(info: Any) -> str | None:
    """The message of an exception; the info is flat, or keyed by metric."""
    if not info:
        return None
    parts = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    raised = [part.get("exception_message") for part in parts if part.get("raised_exception")]
    return str(raised[0] or "no message") if raised else None


def _expected(kwargs: Mapping[str, Any]) -> str | None:
    words = {"min_value": "min", "max_value": "max", "mostly": "mostly", "value_set": "in"}
    said = [f"{word} {kwargs[name]}" for name, word in words.items() if kwargs.get(name) is not None]
    if "unexpected_rows_query" in kwargs:
        said.append(" ".join(str(kwargs["unexpected_rows_query"]).split()))
    return ", ".join(said) or None


def _store(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    wanted: list[FeedSpec],
    day: date,
    *,
    rows: Mapping[str, ledger.Row],
    found: list[QualityResult],
) -> None:
    new = results.changed(results.read(con, day), found)
    moves = _moves(settings, day, rows, found)
    specs = {spec.feed: spec for spec in wanted}
    if new or moves:
        with lake.write(con, settings, f"quality {day}"):
            if new:
                results.put(con, new)
            for feed, state, reason in moves:
                ledger.set_state(con, feed, day, state, reason=reason)
                if state == "held":
                    con.execute(_BLAME, {"feed": feed, "day": day, "who": ledger.owner(specs[feed])})
    errored = sum(item.errored for item in found)
    failed = sum(not item.success and not item.errored for item in found)
    log.event(_log, "quality", interval=day, checks=len(found), failed=failed, errored=errored, changed=len(new))


def _moves(
    settings: Settings, day: date, rows: Mapping[str, ledger.Row], found: list[QualityResult]
) -> list[tuple[str, ledger.State, str | None]]:
    """Deliveries whose state changes with what was found; none when nothing changes."""
    moves: list[tuple[str, ledger.State, str | None]] = []
    for feed in sorted({item.feed for item in found}):
        row = rows[feed]
        bad = ", ".join(item.check_id for item in found if item.feed == feed and item.holds)
        if row.state == "held" and row.error_code in ledger.OWN_HOLDS:
            continue  # too few or too many rows: only another load can end that
        if bad:
            page = settings.home / "quality" / day.isoformat() / "index.html"
            error = Stop("CH-QUAL-002", feed=feed, day=day.isoformat(), checks=bad, page=str(page))
            reason = f"{error.code}: {error.part('what')}"
            if (row.state, row.error) != ("held", reason):
                moves.append((feed, "held", reason))
        elif row.state in {"loaded", "held"}:
            moves.append((feed, "checked", None))
    return moves
