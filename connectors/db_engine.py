"""Reaching an exchange database: URL, driver, identity, and an error for each way that this fails."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from cityhub import secrets
from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource
from connectors.expand import expand
from connectors.network import explain
from connectors.retry import Transient

CONNECT_S = 10
# Dialect name in an address → the driver that the hub brings; others are taken as the address names them.
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "oracle": "oracle+oracledb",
    "mssql": "mssql+pyodbc",
    "dm": "dm+dmPython",
}
_PACKAGES = {"oracle": "oracledb", "mssql": "pyodbc", "dm": "sqlalchemy-dm and dmPython", "db2": "ibm_db_sa"}
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433, "oracle": 1521, "dm": 5236}
_WRONG_IDENTITY = re.compile(
    r"(?i)password authentication failed|no password supplied|access denied for user|authentication failed"
    r"|role \"[^\"]*\" does not exist|ORA-01017|login failed"
)
_NO_DATABASE = re.compile(r"(?i)database \"[^\"]*\" does not exist|unknown database|unable to open database")
_NO_RIGHT = re.compile(r"(?i)permission denied|command denied|ORA-01031|insufficient privilege")


def url_of(spec: FeedSpec, day: date) -> URL:
    """The SQLAlchemy URL with driver and secrets; raises `Stop` CH-PULL-020 for an address that is none,
    CH-PULL-031 for a SQLite file that is not there."""
    source = spec.source
    if not isinstance(source, DatabaseSource):
        raise TypeError(f"{spec.feed} is no database feed")
    text = expand(source.address, day, feed=spec.feed)
    try:
        url = sa.make_url(text)
    except ArgumentError:
        detail = "it is no SQLAlchemy URL such as postgresql://host:5432/database"
        raise Stop("CH-PULL-020", feed=spec.feed, value=text, detail=detail) from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, spec.feed)
    if source.user:
        url = url.set(username=secrets.secret(source.user, feed=spec.feed))
    if source.password:
        password = secrets.secret(source.password, feed=spec.feed)
        for written in (quote(password, safe=""), quote_plus(password)):
            secrets.remember(written)
        url = url.set(password=password)
    return url


def _sqlite(url: URL, feed: str) -> URL:
    """Read-only, and never a new empty file where the real one is missing. A file has no users."""
    file = Path(url.database or "")
    if not file.is_file():
        raise Stop("CH-PULL-031", feed=feed, database=str(file), detail="there is no such file")
    return url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})


def shown_url(url: URL) -> str:
    """The URL as it is shown: no user, no password, no options, which may hold either."""
    plain = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    return plain.render_as_string()


def connect(url: URL, place: Mapping[str, Any]) -> Connection:
    """A connection that sees one snapshot and may only read, where the database can do that.

    Raises `Stop` CH-PULL-030 (driver), 031 (database), `Unauthorised` CH-PULL-007, network errors, and
    `Transient` around what may pass.
    """
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=_connect_arguments(url))
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        name = url.get_backend_name()
        package = _PACKAGES.get(name) or (error.name if isinstance(error, ImportError) else None) or f"for {name}"
        raise Stop("CH-PULL-030", dialect=name, package=package, **place) from None
    try:
        return engine.connect().execution_options(**_snapshot(url))
    except DBAPIError as error:
        found = explain_database(error, url, place, connecting=True)
        if isinstance(found, Retry):
            raise Transient(found) from error
        raise found from error


def _connect_arguments(url: URL) -> dict[str, Any]:
    known = {"postgresql", "mysql"}
    return {"connect_timeout": CONNECT_S} if url.get_backend_name() in known else {}


def _snapshot(url: URL) -> dict[str, Any]:
    name = url.get_backend_name()
    if name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {"isolation_level": "REPEATABLE READ"} if name == "mysql" else {}


def explain_database(
    error: BaseException, url: URL, place: Mapping[str, Any], *, connecting: bool = False, table: str = ""
) -> HubError:
    """The hub's error for what a driver says."""
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())[:300]
    if _WRONG_IDENTITY.search(text):
        names = ", ".join(str(place[key]) for key in ("user", "password") if key in place)
        return Unauthorised("CH-PULL-007", **{**_without(place), "detail": text, "names": names or "none"})
    if _NO_DATABASE.search(text):
        return Stop("CH-PULL-031", **{**_without(place), "database": url.database, "detail": text})
    if _NO_RIGHT.search(text):
        return Stop("CH-PULL-034", **{**_without(place), "table": table, "detail": text})
    if connecting and url.host:
        unreachable = _probe(url, place)
        if unreachable is not None:
            return unreachable
    if not connecting and type(cause).__name__ in {"ProgrammingError", "DataError", "UndefinedFunction"}:
        return Stop("CH-PULL-036", **{**_without(place), "detail": text})
    return Retry("CH-PULL-035", **{**_without(place), "detail": text})


def _without(place: Mapping[str, Any]) -> dict[str, Any]:
    """The place without the names of secrets, which are only of use when identity is the question."""
    return {key: value for key, value in place.items() if key not in {"user", "password"}}


def _probe(url: URL, place: Mapping[str, Any]) -> HubError | None:
    """Why the database's port cannot be reached; None when it can, so that the cause is a later one."""
    port = url.port or _PORTS.get(url.get_backend_name(), 0)
    try:
        with socket.create_connection((url.host or "", port), CONNECT_S):
            return None
    except OSError as error:
        return explain(error, host=url.host or "", port=port, seconds=CONNECT_S, **_without(place))
