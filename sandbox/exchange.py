"""The exchange database (前置库): vendors write into it, the hub reads with SQLAlchemy.

PostgreSQL where its server is installed, else MariaDB, else a SQLite file: the same tables, another URL.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from sandbox import exchange_mariadb, exchange_postgres, platforms
from sandbox.dataset import build
from sandbox.exchange_mariadb import Mariadb
from sandbox.exchange_postgres import Postgres
from sandbox.exchange_sqlite import Sqlite
from sandbox.exchange_table import ExchangeTable
from sandbox.keys import Keys
from sandbox.world import World

READER = "hub_reader"


class Database(Protocol):
    """What the three kinds have in common."""

    user: str
    password: str

    @property
    def url(self) -> str:
        """SQLAlchemy URL without user and password."""

    def load(self, items: list[tuple[ExchangeTable, pa.Table]]) -> None:
        """Add a day's rows."""

    def stop(self) -> None:
        """Stop the server if there is one."""


class Exchange(dict[str, str]):
    """The running database: exchange_url and, with a server, exchange_user and exchange_password."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self._database = world, database
        self._loaded: set[date] = set()
        super().__init__(exchange_url=database.url)
        if database.user:
            self.update(exchange_user=database.user, exchange_password=database.password)

    def ensure_day(self, day: date) -> None:
        """Load a day's rows of all tables; a day after the sandbox's own has none yet. Again is free."""
        if day > self.world.day or day in self._loaded:
            return
        self._database.load(tables(self.world if day == self.world.day else self.world.on(day)))
        self._loaded.add(day)

    def stop(self) -> None:
        """Stop the server; safe to call twice."""
        self._database.stop()


def start(world: World, home: Path, kind: str | None = None) -> Exchange:
    """Start the database and load the sandbox's day. `kind`: postgresql, mariadb or sqlite.

    Raises RuntimeError with the server's last words when it does not come up.
    """
    home.mkdir(parents=True, exist_ok=True)
    password = Keys(world.seed, home).value("exchange_password")
    exchange = Exchange(world, _database(kind or _best(), home, password))
    try:
        exchange.ensure_day(world.day)
    except BaseException:
        exchange.stop()
        raise
    return exchange


def tables(world: World) -> list[tuple[ExchangeTable, pa.Table]]:
    """Every exchange table of every platform with the day's rows; none of a platform that plays dead."""
    found = []
    for platform in platforms.names():
        module = platforms.load(platform)
        living: dict[str, tuple[str, str]] = getattr(module, "LIVING", {})
        for name, target in getattr(module, "EXCHANGE", {}).items():
            dataset = module.DATASETS[name]
            rows = build(world, name, dataset)
            if world.plan.has(dataset.feed, "dead") is not None:
                rows = rows.slice(0, 0)
            if name in living:
                key, version = living[name]
                table = ExchangeTable(target, "living", rows.schema, key, version)
            else:
                table = ExchangeTable(target, "days" if dataset.time else "latest", rows.schema)
            found.append((table, rows))
    return found


def _best() -> str:
    if exchange_postgres.binaries() is not None:
        return "postgresql"
    return "mariadb" if exchange_mariadb.binaries() is not None else "sqlite"


def _database(kind: str, home: Path, password: str) -> Database:
    match kind:
        case "postgresql":
            return Postgres(home, READER, password)
        case "mariadb":
            return Mariadb(home, READER, password)
        case "sqlite":
            return Sqlite(home)
    raise ValueError(f"exchange database {kind!r}: postgresql, mariadb or sqlite")
