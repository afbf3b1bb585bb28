"""Publishing a month: a numbered folder of frozen files. The same content makes no new number.

The order makes it crash-safe: data files in a hidden folder, synced → renamed to the number → views →
manifest. With the manifest the folder *is* a publication; before, it is a rest that the next run removes.
Then `current` moves in one rename, and the lake notes the number. A kill anywhere leaves the old or the new.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from cityhub import log
from cityhub.clock import month_bounds, now
from cityhub.errors import Stop
from cityhub.files import sync
from cityhub.settings import Settings
from scoring import policy, tables
from scoring import scheme as schemes
from scoring.month import SCHEME, score_month
from scoring.publication import content, export, manifest, pointer
from scoring.publication.beside import make as beside
from scoring.publication.conditions import may_be_corrected, may_be_final, named
from scoring.publication.manifest import Manifest, folder_of
from scoring.publication.recompute import recompute
from scoring.publication.verify import Verification, verify, verify_all
from warehouse import lake, migrate

__all__ = ["Publication", "Verification", "publications", "publish", "verify", "verify_all"]

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
    approved_by: str | None = None
    corrected_by: str | None = None
    new: bool = False


def publications(settings: Settings) -> list[Publication]:
    """All publications, newest first."""
    root = settings.publications
    return [_publication(root, manifest.read(folder_of(root, n))) for n in reversed(manifest.numbers(root))]


def publish(
    settings: Settings,
    month: str,
    day: date,
    reason: str | None = None,
    *,
    status: Literal["provisional", "final"] = "provisional",
    approved_by: str | None = None,
    corrected_by: str | None = None,
) -> Publication:
    """Publish the month as of a service day, or return its newest publication when nothing has changed.

    A month becomes final (`status`) when it is over and complete and `approved_by` is named: `Stop` CH-PUB-005,
    006, 007, 009. A final month stays, whatever is in the warehouse, unless a `reason` is given and `corrected_by`
    named: then its scores are computed again and published as corrected; CH-PUB-003, 008. CH-PUB-002: the month has
    no ranking; CH-PUB-010: there is no final month to correct.
    """
    root = settings.publications
    root.mkdir(parents=True, exist_ok=True)
    asked = Decision(day, status, *(named(text) for text in (reason, approved_by, corrected_by)))
    with lake.lock(settings, "publication"):
        pointer.clear(root)
        before = manifest.newest(root, month)
        if before is not None and before.frozen and asked.corrects:
            asked = _compute_again(settings, before, asked)
        elif asked.corrected_by is not None and (before is None or not before.frozen):
            found = "none" if before is None else f"{before.number}, {before.status}"
            raise Stop("CH-PUB-010", month=month, found=found)
        con = lake.connect(settings)
        try:
            migrate.migrate(con, settings)  # or the folder is there and the lake cannot record it
            return _publish(con, settings, month, before, asked)
        finally:
            con.close()


@dataclass(frozen=True)
class Decision:
    """What was asked for: by whom and why, as of which day."""

    day: date
    status: Status
    reason: str | None
    approved_by: str | None
    corrected_by: str | None

    @property
    def corrects(self) -> bool:
        """Whether a final month is to change: a night neither gives a reason nor names anybody."""
        return self.reason is not None or self.corrected_by is not None or self.status == "final"


def _compute_again(settings: Settings, before: Manifest, asked: Decision) -> Decision:
    """The scores of a final month from what is in the warehouse now, by the switches it was published with."""
    choices = schemes.load(SCHEME).choices(before.switches)
    may_be_corrected(before, late=choices["late_data"], reason=asked.reason, corrected_by=asked.corrected_by)
    last = month_bounds(before.period)[1] - timedelta(days=1)
    score_month(settings, before.period, last, before.switches, correct=True)
    return replace(asked, day=last, status="corrected", approved_by=None)


def _publish(
    con: duckdb.DuckDBPyConnection, settings: Settings, month: str, before: Manifest | None, asked: Decision
) -> Publication:
    root, rules = settings.publications, schemes.load(SCHEME)
    tables.set_month(con, rules.scheme, month)
    con.execute("BEGIN")  # one snapshot for all files
    scored = content.in_force(con, rules.scheme)
    if scored is None:
        raise Stop("CH-PUB-002", month=month)
    switches, complete = scored
    number = _next(con, root)
    selects = content.selects(con, rules, number, switches)
    same = content.identity(con, selects)
    others = beside.selects(con, settings.feeds)
    same_beside = beside.identity(con, others)
    if before is not None and _stays(before, same, same_beside, asked):
        con.execute("COMMIT")
        return _finish(con, settings, before, new=False)
    if asked.status == "final":
        may_be_final(con, rules.scheme, month, day=asked.day, complete=complete, approved_by=asked.approved_by)
    work = root / f".{number:06d}.partial"
    rows = write_tables(con, work, selects | others)
    snapshot = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchone()
    con.execute("COMMIT")
    made = Manifest(
        number=number,
        schema_version=manifest.SCHEMA_VERSION,
        scheme=rules.scheme,
        scheme_version=rules.version,
        period=month,
        service_day=asked.day.isoformat(),
        status=asked.status,
        reason=asked.reason or f"nightly run of {asked.day}",
        supersedes=before.number if before else None,
        supersedes_sha256=manifest.sha256(folder_of(root, before.number) / manifest.NAME) if before else None,
        published_at=now().isoformat(),
        code_version=manifest.code_version(),
        lake_snapshot=int(snapshot[0]) if snapshot else 0,
        complete=complete,
        switches=switches,
        content_sha256=same,
        approved_by=asked.approved_by if asked.status == "final" else None,
        corrected_by=asked.corrected_by,
        beside=same_beside,
    )
    if made.frozen:
        _proved(work, made)
    (work / "README.txt").write_text(export.readme(made), encoding="utf-8")
    folder = take_number(work, folder_of(root, number))
    export.views(folder)
    files = export.files(folder, rows)
    made = replace(made, files=files)
    manifest.write(folder, made)
    log.event(logger, "published", publication=number, interval=month, rows=sum(rows.values()))
    return _finish(con, settings, made, new=True)


def _proved(work: Path, made: Manifest) -> None:
    """What is frozen comes out of its own inputs: rows changed by hand never become final."""
    _, problems = recompute(work, made)
    if problems:
        shutil.rmtree(work)
        raise Stop("CH-PUB-009", month=made.period, problem=problems[0])


def write_tables(con: duckdb.DuckDBPyConnection, work: Path, selects: dict[str, str]) -> dict[str, int]:
    """All datasets and the schemes into the hidden folder; dataset → rows."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    rows = export.tables(con, work, selects)
    export.definitions(con, work)
    export.schemes(work, [SCHEME, policy.load().policy])
    return rows


def take_number(work: Path, folder: Path) -> Path:
    """Give the hidden folder its number, in one rename."""
    for item in work.rglob("*"):
        sync(item)
    work.rename(folder)
    sync(folder.parent)
    return folder


def _stays(before: Manifest, same: str, same_beside: str, asked: Decision) -> bool:
    """Whether the newest publication of the month still stands. What lies beside the scores of a final month changes
    it no more: no score is computed from it."""
    if before.content_sha256 == same:
        return before.frozen or (asked.status == "provisional" and before.beside == same_beside)
    if before.frozen and asked.status != "corrected":
        log.event(logger, "final month has late data", publication=before.number, interval=before.period)
        return True
    return False


def _finish(con: duckdb.DuckDBPyConnection, settings: Settings, made: Manifest, *, new: bool) -> Publication:
    """The pointer and the lake's row; both are repaired when an earlier run was killed before them."""
    pointer.flip(settings.publications, made)
    pointer.record(con, settings)
    return _publication(settings.publications, made, new=new)


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
        approved_by=found.approved_by,
        corrected_by=found.corrected_by,
        new=new,
    )
