"""A small client of the extracts API: pages, files, changes, receipts. Needs a URL and a key, and nothing installed.

    client = Client("https://city.example.cn", key)
    for entry in client.catalog():
        newest = client.publication(entry["id"])
    for row in client.records("ranking", period="2026-11"):
        ...
    page = client.changes("ranking", since=41)      # page["items"], page["next"], page["to"]

Busy or broken answers are tried again; the key goes to this one host only, redirects are not followed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.secrets import redact, remember
from connectors.network import explain
from connectors.retry import Deadline, Policy, Transient, retried
from connectors.session import host_and_port, session_to
from extracts import sign, sm2

T = TypeVar("T")
Json = dict[str, Any]
BLOCK = 1 << 18


class Expired(Exception):
    """HTTP 410: what changed since then is not known any more; `as_of` is where to begin anew."""

    def __init__(self, as_of: int | None) -> None:
        super().__init__(f"begin anew at {as_of}")
        self.as_of = as_of


class Forbidden(Exception):
    """HTTP 403: the key may not read this; its error says what."""

    def __init__(self, error: HubError) -> None:
        super().__init__(error.code)
        self.error = error


class Client:
    """Calls to one service with one key."""

    def __init__(
        self, url: str, key: str, *, retries: int = 5, timeout_s: float = 60, policy: Policy | None = None
    ) -> None:
        remember(key)
        self.url = url.rstrip("/")
        cut = urlsplit(self.url)
        if cut.scheme not in {"http", "https"} or not cut.hostname:
            raise Stop("CH-CLIENT-001", url=redact(url))
        self._host, self._port = host_and_port(self.url)
        self._retries, self._timeout, self._policy = retries, timeout_s, policy or Policy()
        self._session = session_to(self._host)
        self._session.headers.update({"Authorization": f"Bearer {key}", "User-Agent": "cityhub-client"})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def catalog(self) -> list[Json]:
        """The datasets that the key may read: `id`, `title`, `latest`, …"""
        found: list[Json] = self._json("/v1/catalog")["datasets"]
        return found

    def schema(self, dataset: str) -> Json:
        """JSON Schema of a row; `x-key`: the columns that tell rows apart."""
        return self._json(f"/v1/datasets/{dataset}/schema")

    def signing_keys(self) -> list[Json]:
        """`key_id` and `public_key` (base64) of all keys that ever signed there."""
        found: list[Json] = self._json("/v1/keys/signing")["keys"]
        return found

    def publications(self, dataset: str) -> list[Json]:
        """All publications of a dataset, oldest first."""
        found: list[Json] = self._json(f"/v1/datasets/{dataset}/publications")["items"]
        return found

    def publication(self, dataset: str, which: int | str = "latest") -> Json:
        """One publication: `manifest`, `signature`, `files`."""
        return self._json(f"/v1/datasets/{dataset}/publications/{which}")

    def signed(self, dataset: str, which: int | str = "latest") -> tuple[bytes, bytes, bytes | None]:
        """The bytes of a manifest, its Ed25519 signature, and the one by SM2 or None; nothing is checked."""
        told = self.publication(dataset, which)
        first, second = (base64.b64decode(told["signature"].get(kind) or "") for kind in ("ed25519", "sm2"))
        return self.small(told["manifest_url"]), first, second or None

    def manifest(
        self, dataset: str, which: int | str = "latest", *, public_key: bytes, sm2_key: bytes | None = None
    ) -> Json:
        """A manifest that `public_key` signed (32 bytes), and `sm2_key` too where it is given (64 bytes): the sha256 of
        each file, once the signatures hold. Raises `Stop` CH-CLIENT-005; with `sm2_key` also CH-CLIENT-012 where that
        key signed it not, CH-EXT-010 where nobody can tell."""
        body, signature, second = self.signed(dataset, which)
        what = f"publication {which} of {dataset}"
        if not sign.verify(body, signature, public_key):
            problem = f"its signature is not one of key {sign.key_id(public_key)}"
            raise Stop("CH-CLIENT-005", what=what, problem=problem)
        if sm2_key is not None:
            sm2.demand(body, second, sm2_key, what)
        found: Json = json.loads(body)
        return found

    def records_page(self, dataset: str, *, cursor: str | None = None, **filters: Any) -> Json:
        """`as_of`, `items`, `next`. `filters`: period, unit, as_of, limit."""
        return self._json(f"/v1/datasets/{dataset}/records", cursor=cursor, **filters)

    def records(self, dataset: str, **filters: Any) -> Iterator[Json]:
        """All rows as of one publication, page by page."""
        cursor = None
        while True:
            page = self.records_page(dataset, cursor=cursor, **filters)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return
            filters["as_of"] = page["as_of"]

    def changes(self, dataset: str, since: int, *, cursor: str | None = None, limit: int | None = None) -> Json:
        """One page of changes: `since`, `to`, `items`, `next`. Raises `Expired` on 410."""
        return self._json(f"/v1/datasets/{dataset}/changes", since=since, cursor=cursor, limit=limit)

    def receipt(self, dataset: str, sequence: int, sha256: str, accepted: int, rejected: int = 0) -> Json:
        """Tell the service what was taken; its answer, `matches` in it."""
        body = {"dataset": dataset, "sequence": sequence, "sha256": sha256, "rows_accepted": accepted,
                "rows_rejected": rejected}  # fmt: skip
        return self._tried(lambda: self._answer("POST", "/v1/receipts", json=body), "/v1/receipts")

    def small(self, path: str) -> bytes:
        """The bytes of a small file: a manifest, a signature."""
        return self._tried(lambda: self._bytes("GET", path), path)

    def download(self, path: str, target: Path, sha256: str, size: int) -> None:
        """A file by its address in a publication, whole and with this sha256, or `Stop` CH-CLIENT-005.

        What an earlier run left in `target` with the ending `.part` is gone on with, not fetched again.
        """
        part = target.with_name(f"{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        self._tried(lambda: self._part(path, part, sha256, size), path)
        with part.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
        if found != sha256:
            part.unlink()
            raise Stop("CH-CLIENT-005", what=path, problem=f"its sha256 is {found}")
        part.replace(target)

    def _part(self, path: str, part: Path, sha256: str, size: int) -> None:
        done = part.stat().st_size if part.exists() else 0
        if done > size:
            part.unlink()
            done = 0
        if done == size:
            return
        headers = {"Range": f"bytes={done}-", "If-Range": f'"{sha256}"'} if done else {}
        with self._sent("GET", path, headers=headers | {"Accept-Encoding": "identity"}, stream=True) as response:
            self._demand_good(response, path)
            mode = "ab" if response.status_code == 206 else "wb"
            with part.open(mode) as sink:
                try:
                    while block := response.raw.read(BLOCK):
                        sink.write(block)
                except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
                    raise self._broken(error, path) from error
        if part.stat().st_size < size:
            raise Transient(Retry("CH-CLIENT-003", what=path, detail="the answer ended before its end"))

    def _json(self, path: str, **query: Any) -> Json:
        wanted = {name: str(value) for name, value in query.items() if value is not None}
        return self._tried(lambda: self._answer("GET", path, params=wanted), path)

    def _answer(self, method: str, path: str, **content: Any) -> Json:
        body = self._bytes(method, path, **content)
        try:
            found = json.loads(body)
        except ValueError:
            raise Stop(
                "CH-CLIENT-004", what=path, detail="the answer is no JSON: is this the address of a hub?"
            ) from None
        if not isinstance(found, dict):
            raise Stop("CH-CLIENT-004", what=path, detail="the answer is no JSON object")
        return found

    def _bytes(self, method: str, path: str, **content: Any) -> bytes:
        with self._sent(method, path, **content) as response:
            self._demand_good(response, path)
            try:
                return response.content
            except (requests.RequestException, OSError) as error:
                raise self._broken(error, path) from error

    def _sent(self, method: str, path: str, **content: Any) -> requests.Response:
        if not path.startswith("/") or path.startswith("//"):
            raise Stop("CH-CLIENT-004", what=path, detail="the service names an address on another host")
        timeout = (min(10.0, self._timeout), self._timeout)
        try:
            return self._session.request(method, self.url + path, allow_redirects=False, timeout=timeout, **content)
        except (requests.RequestException, OSError) as error:
            raise self._broken(error, path) from error

    def _broken(self, error: Exception, path: str) -> Exception:
        found = explain(error, host=self._host, port=self._port, seconds=self._timeout, what=path)
        return Transient(found) if isinstance(found, Retry) else found

    def _demand_good(self, response: requests.Response, path: str) -> None:
        status = response.status_code
        if status in {200, 201, 206}:
            return
        told = _problem(response)
        detail = redact(f"HTTP {status} {told.get('code', '')} {told.get('detail') or told.get('title') or ''}".strip())
        if status == 410:
            baseline = told.get("baseline")
            raise Expired(baseline.get("as_of") if isinstance(baseline, dict) else None)
        if status == 401:
            raise Unauthorised("CH-CLIENT-002", url=self.url, detail=detail)
        if status == 403:
            raise Forbidden(Unauthorised("CH-CLIENT-002", url=self.url, detail=detail))
        if status == 429 or status >= 500 or status == 408:
            asked = response.headers.get("Retry-After", "")
            raise Transient(Retry("CH-CLIENT-003", what=path, detail=detail), float(asked) if asked.isdigit() else None)
        raise Stop("CH-CLIENT-004", what=path, detail=detail)

    def _tried(self, call: Callable[[], T], path: str) -> T:
        return retried(call, self._retries, self._policy, Deadline(self._policy), address=path)


def _problem(response: requests.Response) -> Json:
    try:
        found = response.json()
    except (ValueError, requests.RequestException, OSError):
        return {}
    return found if isinstance(found, dict) else {}
