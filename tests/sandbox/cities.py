"""Small cities and an honest client of theirs, for the tests of the sandbox."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import platforms
from sandbox.gate import signature
from sandbox.plan import parse
from sandbox.serve import Sandbox
from sandbox.world import World

DAY = date(2026, 11, 20)
MINE = ("sanitation", "lighting", "dust", "muck")


def world(*faults: str, seed: int = 7, scale: float = 0.1, day: date = DAY, records: Path | None = None) -> World:
    """A tenth of the demo; no transport faults but those given."""
    return World(seed, day, scale, records, parse(faults, default=False))


def shared_records() -> Path:
    """The folder of public records; skips the test where there is none."""
    folder = Path(os.environ.get("CITYHUB_SHARED", "../shared")) / "data"
    if not (folder / "beijing_air_dongsi_2016.csv").is_file():
        pytest.skip(f"no public records in {folder} (set CITYHUB_SHARED)")
    return folder


@contextmanager
def city(home: Path, *faults: str, only: tuple[str, ...] = MINE) -> Iterator[Client]:
    """A running city of a few platforms, REST only."""
    with Sandbox(world(*faults), home, transports=(), only=only) as sandbox:
        yield Client(sandbox)


class Client:
    """Calls the platforms as their manuals say."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.http = sandbox, requests.Session()
        self.http.trust_env = False
        self._tokens: dict[str, str] = {}

    def secret(self, name: str) -> str:
        """What the sandbox wrote into its secrets folder."""
        return (self.sandbox.home / "secrets" / name).read_text(encoding="utf-8").strip()

    def login(self, platform: str, path: str, fields: tuple[str, str], **wrong: str) -> requests.Response:
        """A login call; `wrong` replaces user or password."""
        values = {kind: wrong.get(kind, self.secret(f"{platform}_{kind}")) for kind in ("user", "password")}
        body = {fields[0]: values["user"], fields[1]: values["password"]}
        return self.http.post(self.secret(f"{platform}_url") + path, json=body, timeout=10)

    def headers(self, platform: str) -> dict[str, str]:
        """What identifies a caller."""
        if platform in {"muck", "dust"}:
            kind = "hmac-sha256" if platform == "muck" else "sha256"
            names = (
                ("X-App-Key", "X-Timestamp", "X-Sign") if platform == "muck" else ("appKey", "timestamp", "signature")
            )
            stamp, key = str(int(time.time() * 1000)), self.secret(f"{platform}_app_key")
            return dict(
                zip(
                    names,
                    (key, stamp, signature(kind, key, stamp, self.secret(f"{platform}_app_secret"))),
                    strict=True,
                )
            )
        if platform == "sanitation":
            if platform not in self._tokens:
                answer = self.login(platform, "/hw/api/login", ("username", "password")).json()
                self._tokens[platform] = answer["data"]["token"]
            return {"Authorization": "Bearer " + self._tokens[platform]}
        if platform not in self._tokens:
            answer = self.login(platform, "/api/user/login", ("userName", "passWord")).json()
            self._tokens[platform] = answer["result"]["accessToken"]
        return {"X-Access-Token": self._tokens[platform]}

    def forget(self) -> None:
        """Drop the tokens: the next call logs in again."""
        self._tokens.clear()

    def get(self, platform: str, path: str, **query: object) -> requests.Response:
        """One call with the right identity."""
        url = self.secret(f"{platform}_url") + path
        return self.http.get(url, params=dict(query), headers=self.headers(platform), timeout=10)


def rendered(home: Path, made: World, order: tuple[str, ...] = MINE) -> dict[str, str]:
    """sha256 of every rendered file of some platforms, made in the given order."""
    from sandbox.store import Store

    store, found = Store(made, home), {}
    for platform in order:
        for endpoint in platforms.endpoints(platform):
            dataset = platforms.load(platform).DATASETS[endpoint.dataset]
            records = store.get(endpoint.dataset, dataset, endpoint.manner.format)
            found[endpoint.dataset] = hashlib.sha256(records.file.read_bytes()).hexdigest()
    return found


def sums(values: dict[str, Any]) -> int:
    """All counts of a truth entry."""
    return sum(values.values())
