"""Pages over HTTP into landing: a page is bytes, the next one is fetched while the present one is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

from cityhub import log
from cityhub.errors import Retry, Stop, Unauthorised
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import RestSource
from connectors.expand import expand, shown
from connectors.rest_auth import identity
from connectors.rest_http import Caller, Denied
from connectors.rest_page import Page, Place, Refused, read_page
from connectors.rest_paging import Pager, Params
from connectors.retry import DEFAULT, Deadline, Policy, Transient, retried
from warehouse.landing import Delivery

logger = log.get("cityhub.connectors")
_ABOUT_IDENTITY = re.compile(
    r"(?i)\b40[13]\b|token|sign|auth|app_?key|password|登[录陆]|签名|鉴权|认证|密码|令牌|权限|过期"
)


class Reader:
    """Fetches pages of one delivery: identity, retries, one new login a page."""

    def __init__(self, spec: FeedSpec, day: date, policy: Policy) -> None:
        source = spec.source
        if not isinstance(source, RestSource):
            raise TypeError(f"{spec.feed} is no REST feed")
        self.source, self.policy = source, policy
        self.url = expand(source.address, day, feed=spec.feed)
        self.place: dict[str, Any] = {"feed": spec.feed, "address": shown(self.url)}
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).hostname:
            detail = "it needs to begin with http:// or https:// and name a host"
            raise Stop("CH-PULL-020", value=shown(self.url), detail=detail, **self.place)
        self.query = {name: expand(value, day, feed=spec.feed) for name, value in source.query.items()}
        self.extra = {name: expand(value, day, feed=spec.feed) for name, value in source.headers.items()}
        self.deadline = Deadline(policy)
        self.caller = Caller(source, self.url, policy)
        self.identity = identity(source.auth, self.url, self._login, self.place)

    def page(self, params: Params, number: int) -> Page:
        """One page, read and cut; raises a `HubError` when all tries failed.

        A refusal is answered with one new login; when the call right after it is refused too, no further
        login is tried for this page.
        """
        place = {**self.place, "page": number}
        in_vain = False

        def attempt() -> Page:
            nonlocal in_vain
            try:
                return self._once(params, place)
            except (Denied, Refused) as refusal:
                if in_vain or not self.identity.renew():
                    raise self._final(refusal) from None
                log.event(logger, "login_again", code=refusal.error.code, **place)
            try:
                return self._once(params, place)
            except (Denied, Refused) as refusal:
                in_vain = True
                raise self._final(refusal) from None

        return retried(attempt, self.source.retries, self.policy, self.deadline, **place)

    def login(self) -> None:
        """Only identify ourselves (connection tests)."""
        retried(self.identity.headers, self.source.retries, self.policy, self.deadline, **self.place)

    def request(self, params: Params) -> str:
        """The call as the manifest shows it: no header, no secret."""
        query = urlencode({**self.query, **params})
        return f"{self.source.method} {shown(self.url)}" + (f"?{query}" if query else "")

    def _once(self, params: Params, place: Place) -> Page:
        headers = {**self.extra, **self.identity.headers()}
        return read_page(self.caller.get(self.url, {**self.query, **params}, headers, place), self.source, place)

    def _final(self, refusal: Denied | Refused) -> Exception:
        """What a refusal means when a new login did not help or is not possible."""
        error = refusal.error
        if isinstance(refusal, Denied):
            return Unauthorised(error.code, **{**error.place, "names": self.identity.names})
        message = str(error.place.get("message", ""))
        if refusal.transient and _ABOUT_IDENTITY.search(f"{error.place.get('value')} {message}"):
            place = {**error.place, "detail": f"HTTP 200, but: {message}", "names": self.identity.names}
            return Unauthorised("CH-PULL-007", **place)
        return Transient(error) if refusal.transient else error

    def _login(self, url: str, fields: Mapping[str, str]) -> bytes:
        place = {**self.place, "address": shown(url)}
        names = getattr(self.source.auth, "user", "") + ", " + getattr(self.source.auth, "password", "")
        return self.caller.login(url, fields, place, names)


def pull(spec: FeedSpec, day: date, delivery: Delivery, cursor: str | None = None, *, policy: Policy = DEFAULT) -> None:
    """Land all pages of a service day. `cursor` is not used: REST feeds are asked by day.

    Raises `Stop` CH-PULL-015 when pages repeat, `Retry` when the source stays out of reach, `Unauthorised`
    CH-PULL-007, and what `read_page` and `Caller` raise; then nothing lands.
    """
    del cursor
    reader = Reader(spec, day, policy)
    source = reader.source
    pager = Pager(source.paging, reader.place, policy.max_pages)
    if source.format == "xml":
        delivery.options["record"] = source.records_at
    with ThreadPoolExecutor(1, thread_name_prefix=spec.feed) as ahead:
        try:
            _walk(reader, pager, delivery, ahead)
        finally:
            reader.deadline.cancel()
            reader.caller.abort()
    reader.caller.close()
    pager.finish()
    delivery.stated_total = pager.total
    delivery.findings += pager.findings
    log.event(logger, "pulled", feed=spec.feed, interval=day, rows=pager.count, pages=pager.number)


def first_page(spec: FeedSpec, day: date, delivery: Delivery, rows: int, policy: Policy) -> None:
    """Put the first page, of at most `rows` records where the paging has a size, into a delivery; raises as `pull`."""
    source = spec.source
    assert isinstance(source, RestSource)
    if hasattr(source.paging, "size"):
        paging = source.paging.model_copy(update={"size": min(source.paging.size, rows)})
        spec = spec.model_copy(update={"source": source.model_copy(update={"paging": paging, "retries": 0})})
    reader = Reader(spec, day, policy)
    pager = Pager(reader.source.paging, reader.place, 1)
    if source.format == "xml":
        delivery.options["record"] = source.records_at
    try:
        page = reader.page(pager.first(), 1)
    finally:
        reader.caller.close()
    _store(delivery, page, reader.request(pager.first()), 1, page.identity())


def _walk(reader: Reader, pager: Pager, delivery: Delivery, ahead: ThreadPoolExecutor) -> None:
    params: Params | None = pager.first()
    coming = ahead.submit(reader.page, pager.first(), pager.number)
    while params is not None:
        try:
            page = coming.result(timeout=reader.deadline.left())
        except TimeoutError:
            raise Retry("CH-PULL-019", seconds=f"{reader.policy.deadline_s:g}", **reader.place) from None
        asked, number = params, pager.number
        params = pager.next(page)
        if params is not None:  # before this page is hashed and stored, which takes as long as fetching one
            coming = ahead.submit(reader.page, params, pager.number)
        identity = page.identity()
        if pager.keeps(page, number, identity):
            _store(delivery, page, reader.request(asked), number, identity)
        elif page.count:
            return


def _store(delivery: Delivery, page: Page, request: str, number: int, identity: str) -> None:
    digest = identity if page.records_digest is None else None
    file = delivery.add(
        page.records, page.format, request=request, head=page.head, tail=page.tail, columns=page.columns,
        records_sha256=digest,
    )  # fmt: skip
    if page.original is not None:
        delivery.attach(f"{file}.original", page.original)
    if page.finding:
        delivery.findings.append(f"page {number}: {page.finding}")
