"""One HTTP call: keep-alive session, statuses told apart, the body read near the speed of the wire.

Redirects are not followed (a token must not travel to another host) and netrc files are not read (they would
replace our header). The body is read from urllib3's response: `requests` alone reads in pieces of 10 KiB.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import requests
import urllib3

from cityhub import tally
from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.spec.source import RestSource
from connectors.network import explain
from connectors.rest_page import Place
from connectors.retry import Pace, Policy, Transient
from connectors.session import asked_wait, host_and_port, session_to

_TAGS = re.compile(r"<[^>]*>")
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class Denied(Exception):
    """HTTP 401 or 403."""

    def __init__(self, error: HubError) -> None:
        super().__init__(error.code)
        self.error = error


class Caller:
    """Calls of one delivery: one session, one pace. Used by one thread at a time, except `abort`."""

    def __init__(self, source: RestSource, address: str, policy: Policy) -> None:
        self._source = source
        self._pace = Pace(source.rate_per_s, policy.sleep)
        self._host, self._port = host_and_port(address)
        self._session = session_to(self._host)
        self._lock = threading.Lock()
        self._reading: requests.Response | None = None

    def abort(self) -> None:
        """End the body that another thread is reading: a source that drips would hold it for ever."""
        with self._lock:
            if self._reading is not None:
                self._reading.raw.shutdown()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], place: Place) -> bytes:
        """The body of a data call; raises `Denied`, `Transient` or `Stop`.

        GET puts the parameters into the query; POST sends them as a JSON object, whole numbers as numbers.
        """
        if self._source.method == "GET":
            return self._call("GET", url, place, params=dict(params), headers=dict(headers))
        fields = {name: int(value) if value.isdecimal() else value for name, value in params.items()}
        return self._call("POST", url, place, json=fields, headers=dict(headers))

    def login(self, url: str, fields: Mapping[str, str], place: Place, names: str) -> bytes:
        """The body of a login call; 401 and 403 are final."""
        try:
            return self._call("POST", url, place, json=dict(fields), headers={})
        except Denied as denied:
            wrong = {**denied.error.place, "names": names}
            raise Unauthorised("CH-PULL-007", **wrong) from None

    def _call(self, method: str, url: str, place: Place, **content: Any) -> bytes:
        self._pace.take()
        tally.count("calls")
        timeout = self._source.timeout_s
        content |= {"stream": True, "allow_redirects": False, "timeout": (min(10.0, timeout), timeout)}
        try:
            with self._session.request(method, url, **content) as response:
                body = self._read(response)
                status, sent = response.status_code, response.headers
        except _BAD_ADDRESS as error:
            wrong = {**place, "value": place.get("address"), "detail": str(error)}
            raise Stop("CH-PULL-020", **wrong) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            found = explain(error, host=self._host, port=self._port, seconds=timeout, **place)
            if isinstance(found, Retry):
                raise Transient(found) from error
            raise found from error
        if 200 <= status < 300:
            if not body.strip():
                raise Transient(Retry("CH-PULL-006", detail=f"the answer is empty (HTTP {status})", **place))
            return body
        raise self._refusal(status, sent, body, place)

    def _read(self, response: requests.Response) -> bytes:
        with self._lock:
            self._reading = response
        try:
            body: bytes = response.raw.read(decode_content=True)
        finally:
            with self._lock:
                self._reading = None
        return body

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes, place: Place) -> Exception:
        detail = _said(body) or "it gives no reason"
        if status in {401, 403}:
            return Denied(Unauthorised("CH-PULL-007", detail=f"HTTP {status}: {detail}", **place))
        if status == 404:
            return Stop("CH-PULL-008", detail=detail, **place)
        if status == 429:
            wait = asked_wait(headers.get("Retry-After"))
            shown = "no stated time" if wait is None else f"{wait:g}"
            return Transient(Retry("CH-PULL-009", wait=shown, **place), wait)
        if status >= 500 or status in {408, 425}:
            wait = asked_wait(headers.get("Retry-After"))
            return Transient(Retry("CH-PULL-010", status=status, detail=detail, **place), wait)
        if 300 <= status < 400:
            detail = f"it redirects to {headers.get('Location', 'nowhere')}; the hub does not follow"
        return Stop("CH-PULL-011", status=status, detail=detail, **place)


def _said(body: bytes) -> str:
    """What the source says about its refusal: the message of a JSON answer, else how the text begins."""
    text = body[:4096].decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        named = [answer.get(key) for key in ("message", "msg", "error", "detail")]
        text = next((str(item) for item in named if item), text)
    elif text.lstrip().startswith("<"):
        text = _TAGS.sub(" ", text)
    return " ".join(text.split())[:200]
