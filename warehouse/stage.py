"""From landed parts to the temporary table `hub_stage`: one scan that reads, types, checks and locates every row."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from cityhub.errors import HubError, Stop
from cityhub.secrets import secret
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import tombstone
from warehouse.compile import Also, define_macros, mapping, sources
from warehouse.landing import Manifest
from warehouse.personal import key
from warehouse.readers import READERS, read, relation
from warehouse.readers.job import Job, Reject, named_file, without_content

TEMPORARY = (
    "hub_located", "hub_verdict", "hub_loser", "hub_stage", "hub_reject", "hub_refused", "hub_bad", "hub_outdated",
    "hub_again", "hub_seen", "hub_case", "hub_fixed",
    *tombstone.TEMPORARY,
)  # fmt: skip


@dataclass(frozen=True)
class Staged:
    """What is in `hub_stage`: all rows, how many are bad or have a flag, lines that were no rows, source columns
    seen; and the job that read them."""

    rows: int
    bad: int
    flagged: int
    rejects: tuple[Reject, ...]
    columns: tuple[str, ...]
    job: Job

    @property
    def landed(self) -> int:
        """Rows of the delivery, readable or not."""
        return self.rows + len(self.rejects)

    @property
    def quarantined(self) -> int:
        """Rows that failed a check or are no rows."""
        return self.bad + len(self.rejects)


@contextmanager
def staged(con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, manifest: Manifest) -> Iterator[Staged]:
    """Stage a delivery; tables, key and files are gone afterwards. The caller holds the feed's load lock.

    Raises `Stop` CH-LOAD-001, 002, 003, 006 for a part that cannot be read, CH-LOAD-007 for a mapping that cannot run.
    """
    work = settings.home / "tmp" / f"load-{spec.feed}"
    shutil.rmtree(work, ignore_errors=True)  # what a killed load left
    work.mkdir(parents=True)
    job = Job(con, spec, manifest, work, sources(spec))
    try:
        define_macros(con)
        _set_key(con, spec, manifest)
        yield _filled(job)
    finally:
        _clean(job)
        shutil.rmtree(work, ignore_errors=True)


def restage(stage: Staged, spec: FeedSpec, also: Also) -> Staged:
    """Stage the delivery once more, read by this spec and refusing this too."""
    job = stage.job
    job.spec, job.also, job.sources = spec, also, (*sources(spec), *also.columns)
    job.rejects.clear()
    return _filled(job)


def _filled(job: Job) -> Staged:
    _fill(job)
    found = job.con.execute("SELECT count(*), count(__bad), count(_flags) FROM temp.hub_stage").fetchone() or (0, 0, 0)
    return Staged(int(found[0]), int(found[1]), int(found[2]), tuple(job.rejects), tuple(job.columns), job)


def _set_key(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> None:
    if key.hashes(spec):
        key.check(con, spec, used=manifest.key or None)
        con.execute(
            "SET VARIABLE cityhub_personal_key = $key",
            {"key": secret("personal_key", feed=spec.feed)},
        )


def _clean(job: Job) -> None:
    # By name: asking the catalog what is there reads the whole lake's catalog, a tenth of a second a load.
    drops = "; ".join(f"DROP TABLE IF EXISTS temp.{name}" for name in (*TEMPORARY, *job.tables))
    job.con.execute(f"RESET VARIABLE cityhub_personal_key; BEGIN; DROP VIEW IF EXISTS temp.hub_good; {drops}; COMMIT")


def _fill(job: Job) -> None:
    try:
        read(job, lambda: _create(job))
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        raise Stop("CH-LOAD-007", feed=job.spec.feed, detail=str(error).splitlines()[0]) from error
    except duckdb.Error as error:
        raise _culprit(job, error) from None


def _create(job: Job) -> None:
    decimal = str(job.option("decimal") or ".")
    select = mapping(job.spec, decimal, job.manifest.protected, job.also).removeprefix("WITH ")
    sql = f"CREATE OR REPLACE TEMP TABLE hub_stage AS WITH raw AS (\n{relation(job)}\n),\n{select}"
    values = {"day": job.manifest.service_day, "received": job.manifest.finished_at}
    job.con.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})


def _culprit(job: Job, error: duckdb.Error) -> HubError:
    """The part that an engine's error comes from: the one that it names, else the first that fails alone."""
    name = named_file(str(error))
    for part in job.manifest.parts:
        if name is not None and Path(name).name.split(".")[0] == part.file.split(".")[0]:
            return job.broken(part, without_content(str(error)))
    for number, part in enumerate(job.manifest.parts):
        try:
            select = READERS[part.format](job, [(number, part)])
            job.con.execute(f"SELECT count(COLUMNS(*)) FROM ({select})").fetchall()
        except duckdb.Error as own:
            return job.broken(part, without_content(str(own)))
    return Stop("CH-LOAD-007", feed=job.spec.feed, detail=f"{type(error).__name__}: {without_content(str(error))}")
