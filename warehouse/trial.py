"""What a spec would make of a delivery: rows as received, as mapped, and the verdict; in memory, nothing is written.

The mapping is the one of the load. Units that come from a parent's table or a boundary stay empty: a trial has no lake.
"""

from __future__ import annotations

import json
import os
import secrets as random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import duckdb

from cityhub import secrets
from cityhub.errors import HubError, Stop
from cityhub.spec.feed import FeedSpec
from warehouse.compile import define_macros, mapping, sources, stage_columns
from warehouse.landing import Manifest
from warehouse.names import identifiers, literal
from warehouse.readers import read, relation
from warehouse.readers.job import Job, without_content

HIDDEN = "****"


@dataclass(frozen=True)
class Reason:
    """Why a row is refused."""

    reason: str
    field: str
    value: str | None


@dataclass(frozen=True)
class Tried:
    """One row. `raw` by source name with personal values hidden, `mapped` by our column (None: refused); `flags` are
    values that were emptied, as `reason:field`."""

    part: int
    number: int
    place: str | None
    raw: dict[str, str | None]
    mapped: dict[str, Any] | None
    flags: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def verdict(self) -> str:
        """ok, the emptied values, or the reasons for which the row waits in quarantine."""
        if self.reasons:
            return "quarantine: " + ", ".join(f"{item.reason} ({item.field})" for item in self.reasons)
        return "emptied: " + ", ".join(self.flags) if self.flags else "ok"


@dataclass(frozen=True)
class Trial:
    """The rows of a delivery, at most as many as were asked for; `bad_lines` are lines that are no rows."""

    rows: tuple[Tried, ...]
    columns: tuple[str, ...]
    bad_lines: tuple[str, ...]


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own in memory, with an empty `lake` in memory."""
    con = duckdb.connect(
        config={
            "threads": "1",
            "memory_limit": os.environ.get("CITYHUB_MEMORY", "1500MB"),
            "autoinstall_known_extensions": "false",
            "temp_directory": str(Path(gettempdir()) / f"cityhub-spill-{os.getpid()}"),
        }
    )
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'; SET enable_progress_bar = false; ATTACH ':memory:' AS lake")
        yield con
    finally:
        con.close()


def stage(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, work: Path, limit: int | None = None
) -> Job:
    """Make `hub_raw` (row `n`, `part`, `s0` …) and `hub_stage` (as the load makes it, `__place` is `n`).

    Raises what the load raises for a delivery that cannot be read.
    """
    job = Job(con, spec, manifest, work, sources(spec))
    define_macros(con)
    con.execute("SET VARIABLE cityhub_personal_key = $key", {"key": _key(spec)})
    try:
        read(job, lambda: _fill(job, limit))
    except duckdb.Error as error:
        raise _readable(job, error) from None
    return job


def _fill(job: Job, limit: int | None) -> None:
    most = "" if limit is None else f" LIMIT {limit:d}"
    job.con.execute(
        f"CREATE OR REPLACE TEMP TABLE hub_raw AS SELECT row_number() OVER () AS n, * FROM ({relation(job)}){most}"
    )
    names = ", ".join(f"s{i}" for i in range(len(job.sources)))
    select = mapping(job.spec, str(job.option("decimal") or "."), job.manifest.protected).removeprefix("WITH ")
    sql = (
        "CREATE OR REPLACE TEMP TABLE hub_stage AS WITH raw AS"
        f" (SELECT part, CAST(n AS VARCHAR) AS place, {names} FROM temp.hub_raw),\n{select}"
    )
    values = {"day": job.manifest.service_day, "received": job.manifest.finished_at}
    job.con.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})


def _readable(job: Job, error: duckdb.Error) -> HubError:
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException | duckdb.ParserException):
        return Stop("CH-LOAD-007", feed=job.spec.feed, detail=str(error).splitlines()[0])
    if job.manifest.parts and isinstance(error, duckdb.InvalidInputException) and "regex" not in str(error).lower():
        return job.broken(job.manifest.parts[0], without_content(str(error)))
    return Stop("CH-LOAD-007", feed=job.spec.feed, detail=str(error).splitlines()[0][:200])


def _key(spec: FeedSpec) -> str:
    """The installation's key where there is one: else one of this moment, hashed values are for the eye only."""
    known = secrets.lookup("personal_key") if any(f.personal == "hash" for f in spec.fields.values()) else None
    if known:
        secrets.remember(known)
    return known or random.token_hex(32)


def hidden_sources(spec: FeedSpec) -> set[str]:
    """Source names that hold a personal value, or hold or are part of one that does."""
    personal = {field.source for field in spec.fields.values() if field.personal != "no"}
    return {
        name
        for name in sources(spec)
        if any(name == item or name.startswith(item + ".") or item.startswith(name + ".") for item in personal)
    }


def exposed_fields(spec: FeedSpec) -> set[str]:
    """Unprotected fields that read what another one protects: a mistake in the spec, which a trial must not repeat."""
    hidden = hidden_sources(spec)
    return {name for name, field in spec.fields.items() if field.personal == "no" and field.source in hidden}


def tried(spec: FeedSpec, manifest: Manifest, *, limit: int = 50) -> Trial:
    """The first rows of a landed delivery under a spec."""
    with engine() as con, TemporaryDirectory(prefix="cityhub-trial-") as work:
        job = stage(con, spec, manifest, Path(work), limit)
        return Trial(
            tuple(_rows(con, spec)), tuple(job.columns), tuple(f"line {r.line}: {r.problem}" for r in job.rejects)
        )


def _rows(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> Iterator[Tried]:
    names, columns = sources(spec), stage_columns(spec)
    texts = ", ".join(f"r.s{i}" for i in range(len(names)))
    found = con.execute(
        f"SELECT r.part, r.n, r.place, s.__bad, s._flags, {texts}, {identifiers(columns)}"
        " FROM temp.hub_stage AS s INNER JOIN temp.hub_raw AS r ON CAST(r.n AS VARCHAR) = s.__place ORDER BY r.n"
    ).fetchall()
    hidden = hidden_sources(spec)
    exposed = exposed_fields(spec)
    for part, number, place, bad, flags, *values in found:
        raw = {
            name: HIDDEN if name in hidden and value is not None else value
            for name, value in zip(names, values[: len(names)], strict=True)
        }
        mapped = dict(zip(columns, values[len(names) :], strict=True))
        mapped |= {name: HIDDEN for name in exposed if mapped.get(name) is not None}
        reasons = [
            Reason(item["reason"], item["field"], HIDDEN if item["field"] in exposed else item.get("value"))
            for item in (json.loads(bad)["why"] if bad else [])
        ]
        notes = tuple(filter(None, (flags or "").split(",")))
        yield Tried(part, number, place, raw, None if bad else mapped, notes, tuple(reasons))


def fits(con: duckdb.DuckDBPyConnection, pattern: str) -> str | None:
    """What the engine says against a regular expression; None when it can be used."""
    try:
        con.execute(f"SELECT regexp_full_match('', {literal(pattern)})")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None
