"""The exchange database on PostgreSQL: a cluster of its own below the sandbox's home, filled with COPY."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg import sql

from sandbox.child import COMPLETE, Child, discard, end_stale, free_port, reachable, run_as, unprivileged, wait_for
from sandbox.exchange_table import Dialect, ExchangeTable, create, indices, merge, quoted

ADMIN, DATABASE = "sandbox_admin", "exchange"
DIALECT: Dialect = "postgresql"
ROWS_A_CHUNK = 131_072
# No data of a sandbox is worth an fsync; sockets stay off, for paths of homes can be too long for them.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
}


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, newest version first; None when there is none."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: float(path.parent.name) if path.parent.name.replace(".", "").isdigit() else 0,
        reverse=True,
    )
    found = shutil.which("initdb")
    if found:
        folders.append(Path(found).resolve().parent)
    return next((path for path in folders if (path / "initdb").exists() and (path / "postgres").exists()), None)


class Postgres:
    """A running server; `url`, `user` and `password` are what a reader needs."""

    def __init__(self, home: Path, user: str, password: str) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
        self.user, self.password, self._bin = user, password, found
        self._as = unprivileged("postgres")
        self._folder = reachable(home / "exchange", self._as)
        self._child: Child | None = None
        self._port = 0
        try:
            self._up()
        except RuntimeError:
            # A cluster that a killed run left broken: nothing in it is worth repairing.
            shutil.rmtree(self._folder)
            self._folder = reachable(home / "exchange", self._as)
            self._up()
        self._prepare()

    @property
    def url(self) -> str:
        """SQLAlchemy URL without user and password."""
        return f"postgresql+psycopg://127.0.0.1:{self._port}/{DATABASE}"

    def load(self, items: Sequence[tuple[ExchangeTable, pa.Table]]) -> None:
        """Add a day's rows, each table in one transaction."""
        with self._connect(DATABASE) as con:
            for table, rows in items:
                with con.transaction():
                    self._fill(con, table, rows)

    def stop(self) -> None:
        """Stop the server; a folder outside the home goes with it."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        discard(self._folder)

    def _fill(self, con: psycopg.Connection, table: ExchangeTable, rows: pa.Table) -> None:
        fresh = con.execute("SELECT to_regclass(%s) IS NULL", (quoted(table.base, DIALECT),)).fetchone() == (True,)
        target = table.base
        if fresh:
            for statement in create(table, DIALECT):
                _run(con, statement)
            _run(con, f"GRANT SELECT ON {quoted(table.name, DIALECT)} TO {quoted(self.user, DIALECT)}")
        elif table.keep == "latest":
            _run(con, f"TRUNCATE {quoted(table.base, DIALECT)}")
        elif table.keep == "living":
            target = f"staged_{table.base}"
            like = f"(LIKE {quoted(table.base, DIALECT)}) ON COMMIT DROP"
            _run(con, f"CREATE TEMP TABLE {quoted(target, DIALECT)} {like}")
        _copy(con, target, rows)
        if fresh:
            for statement in indices(table, DIALECT):
                _run(con, statement)
        elif table.keep == "living":
            for statement in merge(table, target, DIALECT):
                _run(con, statement)

    def _up(self) -> None:
        data = self._folder / "data"
        if not (self._folder / COMPLETE).exists():
            self._init(data)
        pid_file = data / "postmaster.pid"
        if pid_file.exists():
            end_stale(int(pid_file.read_text().split()[0]), str(data))
        self._port = free_port()
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._bin / "postgres"), "-D", str(data), "-p", str(self._port), *settings]
        self._child = Child(command, self._folder / "log", stop_signal="INT", user=self._as)
        if not wait_for(self._answers, 20):
            detail = self._child.tail()
            self._child.stop()
            raise RuntimeError(f"PostgreSQL of the exchange database does not start: {detail}")

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _init(self, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        word = self._folder / "admin"
        word.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        word.chmod(0o600)
        if self._as is not None:
            shutil.chown(word, self._as)
        command = [str(self._bin / "initdb"), "-D", str(data), "-U", ADMIN, f"--pwfile={word}"]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **run_as(self._as))
        if done.returncode:
            raise RuntimeError(f"initdb of the exchange database failed: {done.stderr.strip()[-400:]}")
        (self._folder / COMPLETE).touch()

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._port,
            user=ADMIN,
            password=(self._folder / "admin").read_text(encoding="utf-8"),
            dbname=database,
            autocommit=True,
            connect_timeout=3,
        )

    def _prepare(self) -> None:
        """An empty database and the reader's role; what an earlier run loaded is made again, not trusted."""
        name = sql.Identifier(DATABASE)
        with self._connect("postgres") as con:
            con.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            con.execute(sql.SQL("CREATE DATABASE {}").format(name))
            known = con.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (self.user,)).fetchone()
            verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
            con.execute(
                verb + sql.SQL(" {} LOGIN PASSWORD {}").format(sql.Identifier(self.user), sql.Literal(self.password))
            )


def _run(con: psycopg.Connection, statement: str) -> None:
    con.execute(sql.SQL(statement))  # made of quoted identifiers of our own modules


def _copy(con: psycopg.Connection, name: str, rows: pa.Table) -> None:
    options = pa_csv.WriteOptions(include_header=False)
    with (
        con.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(name))) as copy,
    ):
        for batch in rows.to_batches(max_chunksize=ROWS_A_CHUNK):
            sink = pa.BufferOutputStream()
            pa_csv.write_csv(batch, sink, options)
            copy.write(sink.getvalue().to_pybytes())
