"""A PostgreSQL of a test's own: on a free loopback port, with passwords, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

PASSWORD = "pg-s3cret/9@x"


@dataclass(frozen=True)
class Postgres:
    """A running server; the user `hub` owns the database `exchange`."""

    port: int
    user: str = "hub"
    password: str = PASSWORD
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """SQLAlchemy URL without user and password."""
        return f"postgresql://{self.host}:{self.port}/exchange"


def binaries() -> Path | None:
    """The folder of initdb and postgres: Debian's, else PATH; None where PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*folders, *([Path(on_path).parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _account() -> str | None:
    """PostgreSQL refuses to run as root: another account then."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server for the time of a `with` block; needs `binaries()`."""
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed")
    account = _account()
    home = Path(mkdtemp(prefix="cityhub-pg-"))
    try:
        if account:
            shutil.chown(home, account)
        secret = home / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        options = ["-U", "hub", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", f"--pwfile={secret}"]
        command: list[str] = [str(folder / "initdb"), f"--pgdata={home / 'data'}", *options]
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            user=account,
            cwd=home,
            env=environment,
        )
        with _running(folder, home, account, environment) as server:
            _create_database(server)
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(folder: Path, home: Path, account: str | None, environment: dict[str, str]) -> Iterator[Postgres]:
    port = _free_port()
    settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=20", "shared_buffers=16MB"]
    command: list[str | Path] = [folder / "postgres", "-D", home / "data", "-p", str(port), "-k", home]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(f"--{setting}" for setting in settings)],
            stdout=log,
            stderr=log,
            user=account,
            cwd=home,
            env=environment,
        )
        try:
            while not _ready(folder, port):
                if process.poll() is not None:
                    raise RuntimeError((home / "log").read_text(encoding="utf-8"))
            yield Postgres(port)
        finally:
            process.terminate()
            process.wait()


def _ready(folder: Path, port: int) -> bool:
    command: list[str] = [str(folder / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _create_database(server: Postgres) -> None:
    import psycopg

    with psycopg.connect(
        host=server.host, port=server.port, user="hub", password=PASSWORD, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("CREATE DATABASE exchange")
