"""Trying a source step by step: secrets, name, port, certificate, identity, data. Nothing lands."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from cityhub.clock import yesterday
from cityhub.errors import HubError
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource, FilesSource, Listening, RestSource, WorkbookSource
from connectors.expand import expand, shown
from connectors.network import explain
from connectors.retry import Policy

_SECONDS = 10.0
_PORTS = {
    "http": 80,
    "https": 443,
    "sftp": 22,
    "mqtt": 1883,
    "mqtts": 8883,
    "postgresql": 5432,
    "mysql": 3306,
}
_TLS = {"https", "mqtts"}
_POLICY = Policy(deadline_s=60)


@dataclass(frozen=True)
class Step:
    """One step's outcome. `detail` says what was found, or the error's text; `error` is the error itself."""

    name: str
    ok: bool
    detail: str
    error: HubError | None = None


def check_connection(spec: FeedSpec, day: date | None = None) -> Iterator[Step]:
    """The steps for a feed's source, one after the other, ending with the first that fails."""
    once = spec
    if isinstance(spec.source, RestSource):
        once = spec.model_copy(update={"source": spec.source.model_copy(update={"retries": 0})})
    for name, attempt in _steps(once, day or yesterday()):
        try:
            yield Step(name, True, attempt())
        except HubError as error:
            yield Step(name, False, str(error), error)
            return


def _steps(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each step is made when the one before it was good, so it may rely on that."""
    source = spec.source
    address: list[str] = []

    def known() -> str:
        address.append(expand(source.address, day, feed=spec.feed))
        return shown(address[0])

    yield "address", known
    if isinstance(source, Listening):
        return  # nobody to ask: the devices come to us
    cut = urlsplit(address[0])
    scheme, host = cut.scheme.partition("+")[0], cut.hostname
    if host:
        port = cut.port or _PORTS.get(scheme, 0)
        yield "dns", lambda: _dns(spec.feed, host, port)
        if port:
            yield "tcp", lambda: _tcp(spec.feed, host, port, tls=False)
        if scheme in _TLS:
            yield "tls", lambda: _tcp(spec.feed, host, port, tls=True)
    if isinstance(source, RestSource):
        yield from _rest(spec, day)
    elif isinstance(source, DatabaseSource):
        yield from _database(spec, day)
    elif isinstance(source, (FilesSource, WorkbookSource)):
        yield from _files(spec, day)


def _dns(feed: str, host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise explain(error, host=host, port=port, seconds=_SECONDS, feed=feed) from None
    return f"{host} is {', '.join(sorted({str(item[4][0]) for item in found}))}"


def _tcp(feed: str, host: str, port: int, *, tls: bool) -> str:
    try:
        with socket.create_connection((host, port), _SECONDS) as plain:
            if not tls:
                return f"{host}:{port} accepts connections"
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure:
                return f"{secure.version()}, the certificate is trusted"
    except OSError as error:
        raise explain(error, host=host, port=port, seconds=_SECONDS, feed=feed) from None


def _rest(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    from connectors.rest import Reader
    from connectors.rest_paging import Pager

    readers: list[Reader] = []

    def login() -> str:
        readers.append(Reader(spec, day, _POLICY))
        readers[0].login()
        kind = readers[0].source.auth.kind
        return "no login is needed" if kind == "none" else f"{kind} with {readers[0].identity.names}"

    def first_page() -> str:
        with closing(readers[0].caller):
            page = readers[0].page(Pager(readers[0].source.paging, readers[0].place, 1).first(), 1)
        names = ", ".join(page.columns[:12]) or "none"
        return f"{page.count} records; columns: {names}"

    yield "login", login
    yield "first page", first_page


def _database(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    from connectors.database import look

    yield "login and table", lambda: look(spec, day, _POLICY)


def _files(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    from connectors.files import open_folder, wanted

    def folder() -> str:
        with closing(open_folder(spec, day, _POLICY)) as place:
            return f"{len(place.entries())} files in {place.where()}"

    def files() -> str:
        with closing(open_folder(spec, day, _POLICY)) as place:
            return ", ".join(wanted(place, spec, day, _POLICY))

    yield "folder", folder
    yield "file of the day", files
