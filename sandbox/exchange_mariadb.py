"""The exchange database on MariaDB: a folder of its own below the sandbox's home, filled with LOAD DATA."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pymysql

from sandbox.child import COMPLETE, Child, discard, end_stale, free_port, reachable, run_as, unprivileged, wait_for
from sandbox.exchange_table import Dialect, ExchangeTable, create, indices, merge, quoted

ADMIN, DATABASE = "sandbox_admin", "exchange"
DIALECT: Dialect = "mariadb"


def binaries() -> tuple[Path, Path] | None:
    """`mariadbd` and `mariadb-install-db`; None when one is missing."""
    server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    return (Path(server).resolve(), Path(install)) if server and install else None


class Mariadb:
    """A running server; `url`, `user` and `password` are what a reader needs."""

    def __init__(self, home: Path, user: str, password: str) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError("MariaDB is not installed: apt-get install mariadb-server")
        self.user, self.password = user, password
        self._server, self._install = found
        self._as = unprivileged("mysql")
        self._folder = reachable(home / "exchange-mariadb", self._as)
        self._admin = secrets.token_urlsafe(24)
        self._child: Child | None = None
        self._port = 0
        self._up()

    @property
    def url(self) -> str:
        """SQLAlchemy URL without user and password."""
        return f"mysql+pymysql://127.0.0.1:{self._port}/{DATABASE}?charset=utf8mb4"

    def load(self, items: Sequence[tuple[ExchangeTable, pa.Table]]) -> None:
        """Add a day's rows."""
        con = self._connect(DATABASE)
        try:
            for table, rows in items:
                with con.cursor() as cursor:
                    self._fill(cursor, table, rows)
                con.commit()
        finally:
            con.close()

    def stop(self) -> None:
        """Stop the server; a folder outside the home goes with it."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        discard(self._folder)

    def _fill(self, cursor: pymysql.cursors.Cursor, table: ExchangeTable, rows: pa.Table) -> None:
        fresh = not cursor.execute("SHOW TABLES LIKE %s", (table.base,))
        target = table.base
        if fresh:
            for statement in create(table, DIALECT) + indices(table, DIALECT):
                cursor.execute(statement)
            cursor.execute(f"GRANT SELECT ON {quoted(table.name, DIALECT)} TO {quoted(self.user, DIALECT)}@'127.0.0.1'")
        elif table.keep == "latest":
            cursor.execute(f"DELETE FROM {quoted(table.base, DIALECT)}")
        elif table.keep == "living":
            target = f"staged_{table.base}"
            cursor.execute(f"CREATE OR REPLACE TABLE {quoted(target, DIALECT)} LIKE {quoted(table.base, DIALECT)}")
        self._copy(cursor, target, rows)
        if not fresh and table.keep == "living":
            for statement in merge(table, target, DIALECT):
                cursor.execute(statement)
            cursor.execute(f"DROP TABLE {quoted(target, DIALECT)}")

    def _copy(self, cursor: pymysql.cursors.Cursor, name: str, rows: pa.Table) -> None:
        seconds = [
            column.cast(pa.timestamp("s")) if pa.types.is_timestamp(column.type) else column for column in rows.columns
        ]
        file = self._folder / "load.csv"
        pa_csv.write_csv(pa.table(seconds, names=rows.column_names), file, pa_csv.WriteOptions(include_header=False))
        marks = ", ".join(f"@c{number}" for number in range(rows.num_columns))
        sets = ", ".join(
            f"{quoted(column, DIALECT)} = NULLIF(@c{number}, '')" for number, column in enumerate(rows.column_names)
        )
        cursor.execute(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {quoted(name, DIALECT)} CHARACTER SET utf8mb4"
            f" FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' ({marks}) SET {sets}",
            (str(file),),
        )
        file.unlink()

    def _up(self) -> None:
        data = self._folder / "data"
        if not (self._folder / COMPLETE).exists():
            self._init(data)
        pid_file = self._folder / "pid"
        if pid_file.exists():
            end_stale(int(pid_file.read_text() or 0), str(data))
        self._port = free_port()
        setup = self._folder / "setup.sql"
        setup.touch(mode=0o600)
        setup.write_text(self._statements(), encoding="utf-8")
        if self._as is not None:
            shutil.chown(setup, self._as)
        command = [
            *(str(self._server), "--no-defaults", f"--datadir={data}", f"--pid-file={pid_file}"),
            *(f"--port={self._port}", "--bind-address=127.0.0.1", f"--socket={self._folder}/socket"),
            *("--skip-name-resolve", "--local-infile=1", "--innodb-flush-log-at-trx-commit=0"),
            *("--character-set-server=utf8mb4", "--default-time-zone=+08:00", f"--init-file={setup}"),
        ]
        self._child = Child(command, self._folder / "log", user=self._as)
        if not wait_for(self._answers, 30):
            detail = self._child.tail()
            self._child.stop()
            raise RuntimeError(f"MariaDB of the exchange database does not start: {detail}")
        setup.unlink()

    def _statements(self) -> str:
        """Run at each start: fresh passwords and an empty database; nothing of an earlier run is trusted."""
        lines = [f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"]
        for name, word in ((ADMIN, self._admin), (self.user, self.password)):
            lines.append(f"CREATE OR REPLACE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{word}'")
        lines.append(f"GRANT ALL ON *.* TO '{ADMIN}'@'127.0.0.1' WITH GRANT OPTION")
        return "".join(f"{line};\n" for line in lines)

    def _answers(self) -> bool:
        try:
            self._connect(DATABASE).close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _init(self, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        command = [str(self._install), "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **run_as(self._as))
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db of the exchange database failed: {done.stderr.strip()[-400:]}")
        (self._folder / COMPLETE).touch()

    def _connect(self, database: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host="127.0.0.1",
            port=self._port,
            user=ADMIN,
            password=self._admin,
            database=database,
            local_infile=True,
            connect_timeout=3,
        )
