"""A publication beside the warehouse: its record there, and, for a final month, the rows that follow it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime

import duckdb

from cityhub.errors import HubError
from cityhub.settings import Settings
from scoring import scheme, tables
from scoring.month import SCHEME
from scoring.publication import content, frozen
from scoring.publication.manifest import NAME, Manifest, folder_of, newest, numbers, sha256
from scoring.publication.pointer import COLUMNS
from warehouse import lake, migrate
from warehouse.names import identifiers


def against(settings: Settings, manifest: Manifest) -> tuple[list[str], list[str]]:
    """What is wrong, and what is only worth knowing; a publication without a warehouse beside it is checked alone."""
    try:
        con = lake.connect(settings, read_only=True)
    except HubError as error:
        if error.code == "CH-LAKE-003":
            return [], ["no warehouse beside it: its record there is not checked"]
        return [f"warehouse: {error.code}: {error.part('what')}"], []
    with closing(con):
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        try:
            migrate.demand_current(con)
        except HubError as error:
            return [f"warehouse: {error.code}: {error.part('what')}"], []
        return _against(con, settings, manifest)


def _against(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest) -> tuple[list[str], list[str]]:
    cursor = con.execute(f"SELECT {identifiers(COLUMNS)} FROM publication WHERE number = {manifest.number}")
    rows = cursor.fetchall()
    problems, notes = [], []
    if not rows:
        last = con.execute("SELECT coalesce(max(number), 0) FROM publication").fetchone() or (0,)
        if manifest.number > last[0]:
            notes.append("not recorded in the warehouse yet: the next publication does that")
        else:
            problems.append("warehouse: its record is gone from the table publication")
    elif len(rows) > 1:
        problems.append("warehouse: it is recorded twice in the table publication")
    else:
        problems += _record(settings, manifest, dict(zip(COLUMNS, rows[0], strict=True)))
    shown = newest(settings.publications, manifest.period)
    if manifest.frozen and shown is not None and shown.number == manifest.number:
        problems += frozen.differences(con, folder_of(settings.publications, manifest.number), manifest)
        notes += _moved(con, manifest)
    return problems, notes


def _record(settings: Settings, manifest: Manifest, row: dict[str, object]) -> Iterator[str]:
    if row["sha256"] != sha256(folder_of(settings.publications, manifest.number) / NAME):
        yield f"{NAME}: sha256 differs from the warehouse's record"
        return
    for name in COLUMNS:
        if name != "sha256" and not _same(row[name], getattr(manifest, name)):
            yield f"warehouse: publication.{name} is {row[name] or 'empty'}, published {getattr(manifest, name)}"


def _same(held: object, said: object) -> bool:
    if isinstance(held, datetime):
        return held == datetime.fromisoformat(str(said))
    return (held.isoformat() if isinstance(held, date) else held) == said


def _moved(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> list[str]:
    """Late data are no fault of a final month: they wait for a correction, if somebody wants one."""
    tables.set_month(con, manifest.scheme, manifest.period)
    con.execute("BEGIN")
    try:
        selects = content.selects(con, scheme.load(SCHEME), manifest.number, manifest.switches)
        same = content.identity(con, selects) == manifest.content_sha256
    finally:
        con.execute("COMMIT")
    return [] if same else [
        f"the warehouse holds other data of {manifest.period} by now: `cityhub score compute {manifest.period}` tells "
        "whether a score would be another"
    ]  # fmt: skip


def lost(settings: Settings) -> list[str]:
    """Publications that the warehouse knows and whose folder is not there."""
    try:
        con = lake.connect(settings, read_only=True)
    except HubError:
        return []
    with closing(con):
        known = con.execute("SELECT number, period, status FROM publication ORDER BY number").fetchall()
    there = set(numbers(settings.publications))
    return [
        f"publication {number:06d}: {period}, {status}: recorded in the warehouse, its folder is not there"
        for number, period, status in known
        if number not in there
    ]
