"""Trying a source step by step: address, name, port, certificate, identity, first row. Nothing lands."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from cityhub.clock import yesterday
from cityhub.errors import HubError, Stop
from cityhub.secrets import redact
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource, FilesSource, Listening, MqttSource, RestSource, WorkbookSource
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
    ms: float = 0.0

    @property
    def said(self) -> str:
        """One line: what was found, or what is wrong."""
        return redact(self.detail) if self.error is None else self.error.part("what")

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        base = {"step": self.name, "ok": self.ok, "ms": round(self.ms, 1), "said": self.said}
        return base if self.error is None else {**base, **self.error.as_dict()}


def check_connection(spec: FeedSpec, day: date | None = None) -> Iterator[Step]:
    """The steps for a feed's source, one after the other, ending with the first that fails."""
    once = spec
    if isinstance(spec.source, RestSource):
        once = spec.model_copy(update={"source": spec.source.model_copy(update={"retries": 0})})
    for name, attempt in _steps(once, day or yesterday()):
        step = tried(name, attempt)
        yield step
        if not step.ok:
            return


def tried(name: str, attempt: Callable[[], str]) -> Step:
    """One step with the time that it took, in milliseconds."""
    started = time.monotonic()
    try:
        detail, error = attempt(), None
    except HubError as failure:
        detail, error = str(failure), failure
    return Step(name, error is None, detail, error, (time.monotonic() - started) * 1000)


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
        if scheme in _TLS and not isinstance(source, MqttSource):  # its TLS may have an authority of its own
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

    def first_row() -> str:
        with closing(readers[0].caller):
            page = readers[0].page(Pager(readers[0].source.paging, readers[0].place, 1).first(), 1)
        if page.count == 0:
            raise _empty(spec, day)
        names = ", ".join(page.columns[:12]) or "none"
        return f"{page.count} records; columns: {names}"

    yield "login", login
    yield "first row", first_row


def _empty(spec: FeedSpec, day: date) -> Stop:
    """The way is good and nothing comes: no error of a night, but nothing that a test may call good."""
    return Stop("CH-PULL-060", feed=spec.feed, day=day.isoformat())


def _database(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    from connectors.database import Look

    looks: list[Look] = []

    def login() -> str:
        looks.append(Look(spec, day, _POLICY))
        return f"logged in to {looks[0].place['address']}"

    def table() -> str:
        return looks[0].table()

    def first_row() -> str:
        if looks[0].rows(1) == 0:
            raise _empty(spec, day)
        return "there is a row"

    try:
        yield "login", login
        yield "table", table
        yield "first row", first_row
    finally:
        for look in looks:
            look.close()


def _files(spec: FeedSpec, day: date) -> Iterator[tuple[str, Callable[[], str]]]:
    from connectors.files import open_folder, wanted

    def folder() -> str:
        with closing(open_folder(spec, day, _POLICY)) as place:
            return f"{len(place.entries())} files in {place.where()}"

    def files() -> str:
        with closing(open_folder(spec, day, _POLICY)) as place:
            return ", ".join(wanted(place, spec, day, _POLICY))

    def first_row() -> str:
        from connectors.file_body import columns_of_file, unpacked

        with closing(open_folder(spec, day, _POLICY)) as place:
            name = wanted(place, spec, day, _POLICY)[0]
            received = place.read(name)
        if isinstance(spec.source, WorkbookSource):
            return _sheet(spec, name, received)
        assert isinstance(spec.source, FilesSource)
        for inner, body in unpacked(name, received, {"feed": spec.feed}):
            if body.strip():
                columns = columns_of_file(inner, body, spec.source, {"feed": spec.feed})
                return _columns_fit(spec, inner, columns)
        raise Stop("CH-PULL-055", file=name, format=spec.source.format, detail="it is empty", feed=spec.feed)

    yield "folder", folder
    yield "file of the day", files
    yield "first row", first_row


def _sheet(spec: FeedSpec, name: str, body: bytes) -> str:
    from connectors.sheet import open_sheet
    from connectors.sheet_rows import read_rows

    assert isinstance(spec.source, WorkbookSource)
    reading = read_rows(open_sheet(body, spec.source.sheet, {"feed": spec.feed, "file": name}), spec, name)
    return f"{len(reading.records)} records; columns: {', '.join(list(reading.titles.values())[:12])}"


def _columns_fit(spec: FeedSpec, file: str, columns: tuple[str, ...]) -> str:
    """The file's columns; raises `Stop` CH-PULL-061 when the file has none of those that the spec names."""
    wanted = [field.source for field in spec.fields.values()]
    if columns and not any(name in columns or name.partition(".")[0] in columns for name in wanted):
        place = {"feed": spec.feed, "file": file, "wanted": ", ".join(wanted[:6])}
        raise Stop("CH-PULL-061", **place, found=" | ".join(columns[:8])[:200], hint=cut_hint(spec, columns))
    return f"columns: {', '.join(columns[:12])}"


def cut_hint(spec: FeedSpec, columns: tuple[str, ...]) -> str:
    """What the one long column of a wrongly cut header says."""
    used = getattr(spec.source, "delimiter", ",")
    for sign, name in ((";", '";"'), ("\t", '"\\t"'), ("|", '"|"'), (",", '","')):
        if sign != used and any(sign in column for column in columns):
            return f"type `delimiter: {name}`"
    return "correct `header_row` (the line of the column names), `delimiter`, or `from` of the fields"
