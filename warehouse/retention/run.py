"""A retention run: rows and their log in one transaction, folders by a note that outlives a kill, then the old files.

Deleted rows leave every new query at once. Older snapshots (time travel, readers) still name the files that held
them; `purge` writes those files anew, lets snapshots go and removes what nothing refers to. Until then, at the
latest `Done.bytes_until`, the bytes may still be on the disk.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from cityhub import clock, log
from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.names import identifier, literal
from warehouse.retention import raw
from warehouse.retention.plan import Item, plan, where
from warehouse.retention.purge import bytes_until, purge

logger = log.get("cityhub.retention")
_LOG = (
    "INSERT INTO retention_log"
    " (run_id, run_at, feed, what, before_day, days, row_count, files, bytes, sha256, remaining)"
    " VALUES ($run_id, $run_at, $feed, $what, $before, $days, $rows, $files, $bytes, $sha256, $remaining)"
)


@dataclass(frozen=True)
class Deleted:
    """One line of `retention_log`."""

    run_id: str
    feed: str
    what: str
    before_day: date
    days: int
    rows: int
    files: int
    bytes: int
    sha256: str
    remaining: int


@dataclass(frozen=True)
class Done:
    """What a run deleted, what it left though the spec would delete it, and until when bytes may remain on the disk
    (None: they are gone)."""

    deleted: tuple[Deleted, ...]
    held_back: tuple[Item, ...]
    bytes_until: datetime | None


def run(settings: Settings, specs: Mapping[str, FeedSpec], feed: str | None = None, *, at_once: bool = False) -> Done:
    """Delete what the specs say. A second run finds nothing; one after a kill finishes what that one began.

    `at_once` also lets go all older snapshots, when nobody reads. Raises `Stop` CH-RET-002 when rows of a deleted
    day are still there afterwards, then nothing of that feed is deleted.
    """
    con = lake.connect(settings)
    try:
        run_id = f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        deleted = _unfinished(con, settings, specs, feed)
        items = plan(con, settings, specs, feed)
        for name in sorted({item.feed for item in items}):
            own = [item for item in items if item.feed == name and item.days]
            deleted += _rows(con, settings, specs[name], specs, [i for i in own if i.what != "raw"], run_id)
            deleted += _folders(con, settings, name, [i for i in own if i.what == "raw"], run_id)
        rows = any(item.what != "raw" for item in deleted)
        if rows or at_once:
            purge(con, settings, at_once=at_once)
        until = bytes_until() if rows and not at_once else None
    finally:
        con.close()
    log.event(logger, "retention", run=run_id, rows=sum(item.rows for item in deleted), kinds=len(deleted))
    return Done(tuple(deleted), tuple(item for item in items if item.held_back), until)


def _rows(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    specs: Mapping[str, FeedSpec],
    items: list[Item],
    run_id: str,
) -> list[Deleted]:
    if not items:
        return []
    made = []
    with lake.lock(settings, f"load-{spec.feed}"), lake.write(con, settings, f"retention {spec.feed}", run=run_id):
        for item in items:
            chosen = where(con, spec, item.what, specs)
            assert chosen is not None  # it had rows when it was planned
            table, day, condition = chosen
            gone = f"{condition} AND {day} < {literal(item.before_day.isoformat())}::DATE"
            key = [identifier(name) for name in spec.identity.key] if item.what == "detail" else _KEYS[item.what]
            days, rows, digest = _proof(con, table, day, gone, key)
            con.execute(f"DELETE FROM {table} WHERE {gone}")
            made.append(
                Deleted(
                    run_id, spec.feed, item.what, item.before_day, days, rows, 0, 0, digest, _left(con, table, gone)
                )
            )
            _log(con, made[-1])
    return made


_KEYS = {"quarantine": ["id"], "aggregate": ["code", "unit_code", "period_kind", "period"]}


def _proof(con: duckdb.DuckDBPyConnection, table: str, day: str, gone: str, key: list[str]) -> tuple[int, int, str]:
    """Days, rows and a digest over the keys of what goes: equal for the same rows in whatever order they lie."""
    one = f"md5_number(concat_ws(chr(31), {day}, {', '.join(key)}))"
    row = con.execute(
        "SELECT count(*), coalesce(sum(n), 0),"
        " sha256(coalesce(string_agg(d || ' ' || n || ' ' || x, chr(10) ORDER BY d), ''))"
        f" FROM (SELECT {day} AS d, count(*) AS n, bit_xor({one}) AS x FROM {table} WHERE {gone} GROUP BY d)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), str(row[2])


def _left(con: duckdb.DuckDBPyConnection, table: str, gone: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {table} WHERE {gone}").fetchone()
    if row is None or row[0]:
        raise Stop("CH-RET-002", table=table, rows=row[0] if row else "?")
    return 0


def _log(con: duckdb.DuckDBPyConnection, line: Deleted) -> None:
    values = {name: getattr(line, name) for name in ("run_id", "feed", "what", "days", "rows", "files", "bytes")}
    more = {"before": line.before_day, "sha256": line.sha256, "remaining": line.remaining, "run_at": clock.now()}
    con.execute(_LOG, values | more)


def _folders(
    con: duckdb.DuckDBPyConnection, settings: Settings, feed: str, items: list[Item], run_id: str
) -> list[Deleted]:
    made = []
    for item in items:
        with lake.lock(settings, f"feed-{feed}"), lake.lock(settings, f"load-{feed}"):
            written = raw.note(settings, feed, run_id, item.before_day)
            if written is not None:
                made.append(_finish(con, settings, written))
    return made


def _unfinished(
    con: duckdb.DuckDBPyConnection, settings: Settings, specs: Mapping[str, FeedSpec], feed: str | None
) -> list[Deleted]:
    """What a killed run had begun to take from landing."""
    made = []
    for name in specs:
        if feed is None or name == feed:
            with lake.lock(settings, f"feed-{name}"), lake.lock(settings, f"load-{name}"):
                made += [_finish(con, settings, written) for written in raw.noted(settings, name)]
    return made


def _finish(con: duckdb.DuckDBPyConnection, settings: Settings, written: raw.Note) -> Deleted:
    remaining = raw.take(settings, written)
    if remaining:
        raise Stop("CH-RET-002", table=f"landing/{written.feed}", rows=remaining)
    line = Deleted(
        written.run_id, written.feed, "raw", date.fromisoformat(written.before_day), written.days, 0, written.files,
        written.bytes, written.sha256, remaining,
    )  # fmt: skip
    known = con.execute(
        "SELECT 1 FROM retention_log WHERE run_id = $run AND feed = $feed AND what = 'raw'",
        {"run": written.run_id, "feed": written.feed},
    ).fetchone()
    if known is None:
        with lake.write(con, settings, f"retention {written.feed} raw", run=written.run_id):
            _log(con, line)
    raw.forget(settings, written)
    return line


def history(con: duckdb.DuckDBPyConnection, feed: str | None = None) -> list[Deleted]:
    """What was deleted so far, newest first."""
    wanted = f"WHERE feed = {literal(feed)}" if feed else ""
    found = con.execute(
        "SELECT run_id, feed, what, before_day, days, row_count, files, bytes, sha256, remaining"
        f" FROM retention_log {wanted} ORDER BY run_id DESC, feed, what"
    )
    return [Deleted(*row) for row in found.fetchall()]
