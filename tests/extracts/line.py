"""A client that pulls from a hub through something between them that a test tells what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import requests

from extracts.pull.run import Pulled, pull
from extracts.pull.source import HttpSource
from tests.extracts.hub import client, key
from tests.extracts.shelf import Row, Shelf, value
from tests.servers.http import Answer, Request

DATASET = "indicator_value"


def values(*numbers: float | None) -> list[Row]:
    """Rows of `indicator_value`, one an indicator."""
    return [value(f"A{n:02d}", "jincheng", number) for n, number in enumerate(numbers)]


def copied(into: Path, dataset: str = DATASET) -> list[Row]:
    """The rows of a copy, in the order of the key."""
    with duckdb.connect(str(into), read_only=True) as con:
        answer = con.execute(f"SELECT * FROM {dataset} ORDER BY ALL")
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


class Between:
    """Between a client and the service: passes calls on, and does to them what a test wants."""

    def __init__(self, address: str) -> None:
        self.address, self.count, self.calls = address, 0, list[str]()
        self.change: Callable[[int, Request, Answer], Answer] = lambda number, request, answer: answer

    def __call__(self, request: Request) -> Answer:
        self.count += 1
        number = self.count
        self.calls.append(request.path)
        sent = {name: text for name, text in request.headers.items() if name not in {"host", "content-length"}}
        found = requests.request(
            request.method,
            self.address + request.path,
            params=request.query,
            headers=sent,
            data=request.body,
            timeout=30,
        )
        kept = {
            name: text
            for name, text in found.headers.items()
            if name.lower() in {"content-type", "etag", "content-range"}
        }
        return self.change(number, request, Answer(found.content, found.status_code, kept))


class Line:
    """A shelf, its service, what is between, and a copy at the end."""

    def __init__(self, shelf: Shelf, between: Between, address: str, into: Path) -> None:
        self.shelf, self.between, self.address, self.into = shelf, between, address, into
        self.secret = key(shelf)

    def pull(self, **options: Any) -> Pulled:
        """What became of the dataset."""
        source = HttpSource(client(self.address, options.pop("secret", self.secret)))
        return next(item for item in pull(source, options.pop("into", self.into), **options) if item.dataset == DATASET)

    def equal(self) -> None:
        """The copy holds what was published."""
        assert copied(self.into) == self.shelf.rows(DATASET)
