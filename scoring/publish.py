"""Publishing a month: a numbered folder of frozen files. The same content makes no new number.

The order makes it crash-safe: data files in a hidden folder, synced → renamed to the number → views →
manifest. With the manifest the folder *is* a publication; before, it is a rest that the next run removes.
Then `current` moves in one rename, and the lake notes the number. A kill anywhere leaves the old or the new.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from cityhub import log
from cityhub.clock import now
from cityhub.errors import Stop
from cityhub.files import sync
from cityhub.settings import Settings
from scoring import policy, tables
from scoring import scheme as schemes
from scoring.month import SCHEME
from scoring.publication import content, export, manifest, pointer
from scoring.publication.manifest import Manifest, folder_of
from scoring.publication.verify import Verification, verify
from scoring.scheme import Scheme
from warehouse import lake

__all__ = ["Publication", "Verification", "publications", "publish", "verify"]

logger = log.get(__name__)
Status = Literal["provisional", "final", "corrected"]


@dataclass(frozen=True)
class Publication:
    """One publication. `service_day`: the last day whose data it holds; `new`: whether this call made it."""

    number: int
    period: str
    service_day: str
    status: str
    reason: str
    supersedes: int | None
    sha256: str
    published_at: str
    folder: str
    new: bool = False


def publications(settings: Settings) -> list[Publication]:
    """All publications, newest first."""
    root = settings.publications
    return [_publication(root, manifest.read(folder_of(root, n))) for n in reversed(manifest.numbers(root))]


def publish(
    settings: Settings, month: str, day: date, reason: str | None = None, *, status: Status = "provisional"
) -> Publication:
    """Publish the month as of a service day, or return its newest publication when nothing has changed.

    Raises `Stop` CH-PUB-002 when the month has no ranking, CH-PUB-003 when a final month would change and
    switch late_data says frozen. A final month changes only with a `reason` (status corrected); without one,
    as in the nightly run, it stays and the difference is logged.
    """
    root = settings.publications
    root.mkdir(parents=True, exist_ok=True)
    rules = schemes.load(SCHEME)
    with lake.lock(settings, "publication"):
        pointer.clear(root)
        con = lake.connect(settings)
        try:
            return _publish(con, settings, rules, month, day, reason=reason, status=status)
        finally:
            con.close()


def _publish(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    rules: Scheme,
    month: str,
    day: date,
    *,
    reason: str | None,
    status: Status,
) -> Publication:
    root = settings.publications
    before = _newest(root, month)
    tables.set_month(con, rules.scheme, month)
    con.execute("BEGIN")  # one snapshot for all files
    scored = content.in_force(con, rules.scheme)
    if scored is None:
        raise Stop("CH-PUB-002", month=month)
    switches, complete = scored
    number = _next(con, root)
    selects = content.selects(con, rules, number, switches)
    same = content.identity(con, selects)
    if before is not None:
        kept = _stays(before, same, status, reason, rules.choices(switches)["late_data"])
        if kept:
            con.execute("COMMIT")
            return _finish(con, settings, before, new=False)
        if before.status != "provisional":
            status = "corrected"
    work = root / f".{number:06d}.partial"
    rows = write_tables(con, work, selects)
    snapshot = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchone()
    con.execute("COMMIT")
    made = Manifest(
        number=number,
        schema_version=manifest.SCHEMA_VERSION,
        scheme=rules.scheme,
        scheme_version=rules.version,
        period=month,
        service_day=day.isoformat(),
        status=status,
        reason=reason or f"nightly run of {day}",
        supersedes=before.number if before else None,
        supersedes_sha256=manifest.sha256(folder_of(root, before.number) / manifest.NAME) if before else None,
        published_at=now().isoformat(),
        code_version=manifest.code_version(),
        lake_snapshot=int(snapshot[0]) if snapshot else 0,
        complete=complete,
        switches=switches,
        content_sha256=same,
    )
    (work / "README.txt").write_text(export.README.format(number=number, period=month, status=status), encoding="utf-8")
    folder = take_number(work, folder_of(root, number))
    export.views(folder)
    files = export.files(folder, rows)
    made = Manifest(**{**made.__dict__, "files": files})
    manifest.write(folder, made)
    log.event(logger, "published", publication=number, interval=month, rows=sum(rows.values()))
    return _finish(con, settings, made, new=True)


def write_tables(con: duckdb.DuckDBPyConnection, work: Path, selects: dict[str, str]) -> dict[str, int]:
    """All datasets and the schemes into the hidden folder; dataset → rows."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    rows = export.tables(con, work, selects)
    export.schemes(work, [SCHEME, policy.load().policy])
    return rows


def take_number(work: Path, folder: Path) -> Path:
    """Give the hidden folder its number, in one rename."""
    for item in work.rglob("*"):
        sync(item)
    work.rename(folder)
    sync(folder.parent)
    return folder


def _stays(before: Manifest, same: str, status: Status, reason: str | None, late: str) -> bool:
    """Whether the newest publication of the month still stands."""
    if before.content_sha256 == same and status in {before.status, "provisional"}:
        return True
    if before.status == "provisional":
        return False
    if late == "frozen":
        raise Stop("CH-PUB-003", month=before.period, number=before.number, switch=f"QA19={late}")
    if reason is None:
        log.event(logger, "final month has late data", publication=before.number, interval=before.period)
        return True
    return False


def _finish(con: duckdb.DuckDBPyConnection, settings: Settings, made: Manifest, *, new: bool) -> Publication:
    """The pointer and the lake's row; both are repaired when an earlier run was killed before them."""
    pointer.flip(settings.publications, made)
    pointer.record(con, settings, made)
    return _publication(settings.publications, made, new=new)


def _newest(root: Path, month: str) -> Manifest | None:
    for number in reversed(manifest.numbers(root)):
        found = manifest.read(folder_of(root, number))
        if found.period == month:
            return found
    return None


def _next(con: duckdb.DuckDBPyConnection, root: Path) -> int:
    """One more than the largest number that was ever given, in the folder or in the lake."""
    row = con.execute("SELECT coalesce(max(number), 0) FROM publication").fetchone()
    return max([int(row[0]) if row else 0, *manifest.numbers(root)]) + 1


def _publication(root: Path, found: Manifest, *, new: bool = False) -> Publication:
    folder = folder_of(root, found.number)
    return Publication(
        number=found.number,
        period=found.period,
        service_day=found.service_day,
        status=found.status,
        reason=found.reason,
        supersedes=found.supersedes,
        sha256=manifest.sha256(folder / manifest.NAME),
        published_at=found.published_at,
        folder=str(folder),
        new=new,
    )
