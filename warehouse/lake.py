"""The only door to the warehouse: DuckLake (Parquet files under a transactional catalog) through DuckDB.

Embedded default: a SQLite catalog in WAL mode; without an exclusive `flock` around each write transaction
its catalog locks up, so `write` takes one. Production: a PostgreSQL catalog by `CITYHUB_CATALOG=postgres:…`;
the same code. Readers need no lock and see one snapshot.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb

from cityhub.errors import Retry, Stop
from cityhub.files import sync
from cityhub.settings import Settings
from warehouse import extensions
from warehouse.names import literal

RESTORING = ".restore"  # in a home: a restore that is not finished


def engine(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory with the hub's limits and extensions, no lake attached."""
    limits = {
        "memory_limit": os.environ.get("CITYHUB_MEMORY", "1500MB"),
        "threads": os.environ.get("CITYHUB_THREADS", str(min(4, os.cpu_count() or 2))),
        "temp_directory": str(settings.home / "tmp"),
    }
    return extensions.connect(settings, limits)


def attach(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool = False) -> None:
    """Attach the lake as `lake` and make it the default; raises `duckdb.Error` when it cannot be reached."""
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute("SET enable_progress_bar = false")  # it would draw into standard output, which may be JSON
    con.execute(attach_sql(settings, read_only=read_only))
    con.execute("USE lake")
    con.execute("SET ducklake_retry_backoff = 1.1")


def attach_sql(settings: Settings, *, read_only: bool, name: str = "lake", snapshot: int | None = None) -> str:
    """The ATTACH statement, also printed for analysts; paths come from the installation's settings only. `snapshot`:
    the lake as it was then, which can only be read."""
    options = [f"DATA_PATH '{_quoted(settings.data)}'"]
    if settings.catalog.startswith("postgres:"):
        where = settings.catalog
    else:
        where = f"sqlite:{settings.catalog}"
        options += ["META_JOURNAL_MODE 'WAL'", "META_BUSY_TIMEOUT 30000"]
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {snapshot:d}")
    if read_only:
        options.append("READ_ONLY")
    return f"ATTACH 'ducklake:{_quoted(where)}' AS {name} ({', '.join(options)})"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def connect(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection with the lake attached. Read-only on a lake that does not exist yet raises CH-LAKE-003."""
    embedded = not settings.catalog.startswith("postgres:")
    if embedded:
        catalog = Path(settings.catalog)
        if read_only and not catalog.exists():
            raise Stop("CH-LAKE-003", catalog=settings.catalog)
        if not catalog.exists() and (settings.home / RESTORING).exists():
            raise Stop("CH-BACKUP-010", home=str(settings.home))
        catalog.parent.mkdir(parents=True, exist_ok=True)
        if "://" not in settings.data:
            Path(settings.data).mkdir(parents=True, exist_ok=True)
    settings.home.mkdir(parents=True, exist_ok=True)
    con = engine(settings)
    try:
        if embedded and not Path(settings.catalog).exists():
            with lock(settings, "lake"):
                _create(con, settings)
        attach(con, settings, read_only=read_only)
    except duckdb.Error as error:
        con.close()
        raise Retry("CH-LAKE-002", catalog=settings.catalog, detail=str(error).splitlines()[0]) from error
    return con


def _create(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """An empty embedded catalog, whole before it has its name: whoever finds the file finds a finished one.

    Needs the lock of the lake. (Two processes that fill one new file end with `database is locked`.)
    """
    catalog = Path(settings.catalog)
    if catalog.exists():
        return
    half = catalog.with_name(f"{catalog.name}.new")
    for rest in catalog.parent.glob(f"{half.name}*"):
        rest.unlink()
    con.execute(attach_sql(replace(settings, catalog=str(half)), read_only=False))
    con.execute("DETACH lake")
    sync(half)
    half.rename(catalog)
    sync(catalog.parent)


@contextmanager
def lock(settings: Settings, name: str, *, timeout_s: float = 600) -> Iterator[None]:
    """An exclusive lock of this installation that dies with its process; `Retry` CH-LAKE-004 in vain."""
    settings.locks.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_s
    with (settings.locks / f"{name}.lock").open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Retry("CH-LAKE-004", lock=name, seconds=timeout_s) from None
                time.sleep(0.01)
        yield


@contextmanager
def write(
    con: duckdb.DuckDBPyConnection, settings: Settings, message: str, *, run: str = "cityhub"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """One write transaction: all or nothing. Parquet files are synced before the catalog commits, because
    DuckLake syncs only the catalog. Not re-entrant."""
    with lock(settings, "lake"):
        started = time.time()
        con.execute("BEGIN")
        try:
            yield con
            con.execute(f"CALL lake.set_commit_message({literal(run)}, {literal(message)})")
            _sync_new_files(settings, started)
            con.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a failed COMMIT has ended the transaction already
                con.execute("ROLLBACK")
            raise


def _sync_new_files(settings: Settings, since: float) -> None:
    if "://" in settings.data:
        return
    # a folder's own time moves when a file is added to it, so old folders cost one stat each, not their files
    for folder, _, names in os.walk(settings.data):
        if os.stat(folder).st_mtime < since - 1:  # noqa: PTH116  # a Path for each of thousands of folders is slow
            continue
        for name in names:
            path = Path(folder) / name
            if path.stat().st_mtime >= since - 1:
                sync(path)
        sync(Path(folder))
