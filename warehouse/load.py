"""A landed delivery into the warehouse: staged outside, written in one transaction, all or nothing.

landed = loaded + duplicate + quarantined, always. `duplicate` are rows that repeat a key of the same delivery (refused
ones: that repeat another refused row) and rows older than what is stored. Loading the same content under the same
spec again writes nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

from cityhub import clock, log, tally
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from warehouse import contracts, drift_findings, history, lake, ledger, manual, quarantine_life, tables
from warehouse.compile import spec_sha256
from warehouse.landing import Manifest
from warehouse.merge import Merged, Stamp, conflicting, merge, select_good
from warehouse.names import identifier
from warehouse.personal import scan
from warehouse.stage import Staged, staged
from warehouse.withdraw import withdraw

logger = log.get("cityhub.load")

# The newest load of a delivery: under an earlier spec it may have been loaded before, and under another one since.
LOGGED = (
    "SELECT landed, loaded, duplicate, quarantined, inserted, updated, unchanged, late, flagged, load_id, spec_sha256"
    " FROM load_log WHERE feed = $feed AND service_day = $day AND load_id = $load_id"
    " ORDER BY finished_at DESC, rowid DESC LIMIT 1"
)


@dataclass(frozen=True)
class LoadResult:
    """What a load did, in rows; `loaded = inserted + updated + unchanged`.

    `late` are rows of another service day than the delivery's, `flagged` rows with an emptied value. `days` are
    the service days that changed. `repeated`: this content was loaded before, the counts are those of that load.
    `fixed`, `released` and `reopened` are refused rows of earlier loads whose state this one changed.
    `restated`: the days whose indicators are computed again, for their rows or for the counts of refused ones.
    """

    feed: str
    service_day: date
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
    days: tuple[date, ...]
    repeated: bool
    fixed: int = 0
    released: int = 0
    reopened: int = 0
    restated: tuple[date, ...] = field(default=(), compare=False)


class _Undone(Exception):
    """Ends a dry run inside its transaction."""


def load(
    settings: Settings,
    spec: FeedSpec,
    manifest: Manifest,
    *,
    con: duckdb.DuckDBPyConnection | None = None,
    then: Callable[[], None] | None = None,
    dry: bool = False,
) -> LoadResult:
    """Load one delivery. `con` has the lake attached and no open transaction; without it one is opened.
    `then` ends the transaction of a load that writes. `dry`: do all of it and take it back, so that the result says
    what would happen.

    One load of a feed at a time (a lock of the installation). Raises `Stop` CH-LOAD-… for what a person must
    see to; then nothing of the delivery is in the warehouse. Rows that fail a check are no error.
    """
    if con is None:
        con = lake.connect(settings)
        try:
            return load(settings, spec, manifest, con=con, then=then, dry=dry)
        finally:
            con.close()
    with lake.lock(settings, f"load-{spec.feed}"):
        started = clock.now()
        spec_id = spec_sha256(spec)
        before = _before(con, spec, manifest, spec_id)
        if before is not None:
            return before
        with staged(con, settings, spec, manifest) as first:
            tally.note("columns", first.columns)
            settled = contracts.settle(con, settings, spec, first)
            if settled.stop is not None:
                if not dry and drift_findings.due(con, spec, manifest, settled.findings):
                    with lake.write(con, settings, f"drift {spec.feed} {manifest.service_day}", run=manifest.load_id):
                        drift_findings.write(con, spec, manifest, settled.findings)
                raise settled.stop
            findings = [*manifest.findings, *_findings(spec, manifest, settled)]
            suspects = scan.staged(con, spec, manifest, settled.stage)
            repeated = select_good(con, spec)
            if repeated and (differ := conflicting(con, spec)):
                findings.append(f"conflicting_rows:{differ}")
            with (
                suppress(_Undone),
                lake.write(con, settings, f"load {spec.feed} {manifest.service_day}", run=manifest.load_id),
            ):
                tables.ensure(con, spec)
                result = _write(con, spec, manifest, settled.stage, repeated, findings, started, spec_id)
                drift_findings.write(con, spec, manifest, settled.findings)
                scan.record(con, settings, spec, manifest.day(), manifest.load_id, suspects)
                if then is not None:
                    then()
                if dry:
                    raise _Undone
    if dry:
        return result
    log.event(
        logger, "load", feed=spec.feed, interval=result.service_day, run=result.load_id, rows=result.landed,
        inserted=result.inserted, updated=result.updated, quarantined=result.quarantined,
    )  # fmt: skip
    return result


def _before(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, spec_id: str) -> LoadResult | None:
    """The result of the load that took this delivery already: this very one, or the same content as the newest."""
    day = manifest.day()
    values: dict[str, object] = {"feed": spec.feed, "day": day}
    found = con.execute(LOGGED, {**values, "load_id": manifest.load_id}).fetchone()
    if found is not None and found[-1] != spec_id:
        return None
    if found is None:
        row = ledger.row(con, spec.feed, day)
        same = row is not None and (row.content_sha256, row.spec_sha256) == (manifest.content_sha256, spec_id)
        same = same and row is not None and row.manual == manual.marks(manifest).get("manual")
        if not same or row is None or row.load_id is None:
            return None
        found = con.execute(LOGGED, {**values, "load_id": row.load_id}).fetchone()
    if found is None or _waits_for_parent(con, spec, day):
        return None
    return LoadResult(spec.feed, day, str(found[-2]), *found[:-2], days=(), repeated=True)  # type: ignore[misc]  # nine counts


def _waits_for_parent(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date) -> bool:
    """Rows of the day without unit whose parent has one by now: the registry came after the rows."""
    if spec.unit.by != "lookup":
        return False
    own, key = identifier(spec.unit.field or ""), identifier(spec.unit.key or "")
    found = con.execute(
        f"SELECT 1 FROM {identifier(spec.table)} AS c INNER JOIN {identifier(spec.unit.table or '')} AS p"
        f" ON CAST(p.{key} AS VARCHAR) = CAST(c.{own} AS VARCHAR)"
        " WHERE c.service_day = $day AND c.unit_code IS NULL AND p.unit_code IS NOT NULL LIMIT 1",
        {"day": day},
    ).fetchone()
    return found is not None


def _findings(spec: FeedSpec, manifest: Manifest, settled: contracts.Settled) -> list[str]:
    stage, kinds = settled.stage, ("column_renamed", "column_added", "column_missing", "column_retyped")
    found = [item.short for item in sorted(settled.findings, key=lambda item: kinds.index(item.kind))]
    if stage.landed < spec.arrives.min_rows and spec.source.kind not in PUSHED:  # those bring a day in many parts
        found.append(f"below_min_rows:{stage.landed}<{spec.arrives.min_rows}")
    if manifest.stated_total is not None and manifest.stated_total != stage.landed:
        found.append(f"stated_total:{manifest.stated_total}<>{stage.landed}")
    return found


def _write(
    con: duckdb.DuckDBPyConnection,
    spec: FeedSpec,
    manifest: Manifest,
    stage: Staged,
    repeated: int,
    findings: list[str],
    started: datetime,
    spec_id: str,
) -> LoadResult:
    """Everything that the load changes, inside one transaction."""
    stamp = Stamp(manifest.load_id, manifest.finished_at, manifest.day())
    stale = _stale(con, spec, manifest)
    full = spec.identity.deletes == "full_compare" and _whole(spec, manifest, stage)
    full = full and not stale and not _replaced(con, spec, manifest)
    made_way = manual.make_way(con, spec, manifest)
    merged = merge(con, spec, stamp, repeated, stale=stale, full=full)
    if made_way:
        merged.days.add(stamp.day)
    if merged.closed:
        findings.append(f"closed:{merged.closed}")
    if withdrawn := withdraw(con, spec, stamp.load_id, spec_id):
        findings.append(f"withdrawn:{sum(withdrawn.values())}")
        merged.days |= set(withdrawn)
    life = quarantine_life.follow(con, spec, manifest, stage.rejects, spec_id, refused=stage.quarantined > 0, full=full)
    entry = _entry(spec, manifest, stage, merged, life.repeated, findings, started, spec_id)
    ledger.record_load(con, spec, stamp.day, entry)
    _mark_days(con, spec, stamp, merged.days | life.days)
    _move_cursor(con, spec, manifest)
    if not stale:
        history.record(con, spec, stamp.day, stamp.load_id)
    return LoadResult(
        spec.feed, stamp.day, entry.load_id, entry.landed, entry.loaded, entry.duplicate, entry.quarantined,
        entry.inserted, entry.updated, entry.unchanged, entry.late, entry.flagged,
        days=tuple(sorted(merged.days)), repeated=False,
        fixed=life.fixed, released=life.released, reopened=life.reopened,
        restated=tuple(sorted(merged.days | life.days)),
    )  # fmt: skip


def _entry(
    spec: FeedSpec,
    manifest: Manifest,
    stage: Staged,
    merged: Merged,
    repeated: int,
    findings: list[str],
    started: datetime,
    spec_id: str,
) -> ledger.Load:
    """The line of the load; of the refused rows `repeated` only repeat another one."""
    return ledger.Load(
        load_id=manifest.load_id,
        landed=stage.landed,
        loaded=merged.inserted + merged.updated + merged.unchanged,
        duplicate=merged.repeated + merged.older + repeated,
        quarantined=stage.quarantined - repeated,
        inserted=merged.inserted,
        updated=merged.updated,
        unchanged=merged.unchanged,
        late=merged.late,
        flagged=merged.flagged,
        content_sha256=manifest.content_sha256,
        spec_sha256=spec_id,
        started_at=started,
        finished_at=clock.now(),
        landing_folder=manifest.folder,
        stated_total=manifest.stated_total,
        findings=tuple(findings),
        **manual.marks(manifest),
    )


def _stale(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> bool:
    """Whether the feed's rows know neither day nor version, and a newer delivery has been loaded already."""
    if spec.identity.day_from is not None or spec.identity.version is not None:
        return False
    return ledger.overtaken(con, spec.feed, manifest.day(), manifest.load_id)


def _replaced(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> bool:
    """Whether a later delivery of the same day is loaded, so that what this one lacks may stand in that."""
    row = ledger.row(con, spec.feed, manifest.day())
    return row is not None and ledger.later(row.load_id, manifest.load_id)


def _whole(spec: FeedSpec, manifest: Manifest, stage: Staged) -> bool:
    """Whether a key that the delivery lacks is really gone: a cut-off list must not empty a registry."""
    return (
        stage.rows > 0
        and not stage.rejects
        and stage.landed >= spec.arrives.min_rows
        and manifest.stated_total in {None, stage.landed}
    )


def _mark_days(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, days: set[date]) -> None:
    if days:
        con.execute(
            "INSERT INTO dirty_day (table_name, service_day, load_id, marked_at)"
            " SELECT $table, unnest($days::DATE[]), $load_id, $at",
            {"table": spec.table, "days": sorted(days), "load_id": stamp.load_id, "at": clock.now()},
        )


def _move_cursor(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> None:
    """How far the feed was read by this service day's delivery; a run of the same day again starts where the day
    before ended, so that it reads the same changes. An older delivery that is loaded again moves nothing back."""
    if manifest.cursor is None:
        return
    of_day = "feed = $feed AND service_day = $day"
    values: dict[str, object] = {"feed": spec.feed, "day": manifest.day(), "load_id": manifest.load_id}
    newer = con.execute(
        f"SELECT 1 FROM feed_cursor WHERE {of_day} AND split_part(load_id, '-', 1) > split_part($load_id, '-', 1)",
        values,
    ).fetchone()
    if newer is None:
        con.execute(f"DELETE FROM feed_cursor WHERE {of_day}", {"feed": spec.feed, "day": manifest.day()})
        con.execute(
            "INSERT INTO feed_cursor (feed, service_day, position, load_id, as_of)"
            " VALUES ($feed, $day, $position, $load_id, $as_of)",
            {**values, "position": manifest.cursor, "as_of": clock.now()},
        )
