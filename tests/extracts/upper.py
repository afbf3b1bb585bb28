"""An upper level for tests: a real endpoint that keeps what it is sent, honours idempotency keys, and fails as told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.http import Answer, Request, as_json

Row = dict[str, Any]


@dataclass
class Upper:
    """`before` and `after` are asked for each request, before and after it was taken in; an answer of theirs is given
    instead. `refuse`: a record for which it is true makes the whole batch a 422; `reject`: is refused alone."""

    before: Callable[[int, Request], Answer | None] = lambda number, request: None
    after: Callable[[int, Request], Answer | None] = lambda number, request: None
    refuse: Callable[[Row], bool] = lambda record: False
    reject: Callable[[Row], bool] = lambda record: False
    most: int = 1_000_000
    held: dict[str, dict[str, Row]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    bodies: dict[str, set[str]] = field(default_factory=dict)
    taken: list[tuple[str, str, Row]] = field(default_factory=list)
    applied: int = 0
    count: int = 0

    def __call__(self, request: Request) -> Answer:
        self.count += 1
        number = self.count
        told = self.before(number, request)
        if told is not None:
            return told
        answer = self._take(request)
        return self.after(number, request) or answer

    def _take(self, request: Request) -> Answer:
        name = request.headers["idempotency-key"]
        self.bodies.setdefault(name, set()).add(hashlib.sha256(request.body).hexdigest())
        if name in self.answers:
            return self.answers[name]
        records = json.loads(request.body)["data"]
        if len(records) > self.most:
            return as_json({"message": f"at most {self.most}"}, 413)
        if any(self.refuse(record) for record in records):
            return as_json({"message": "a record is wrong"}, 422)
        failed = []
        for index, record in enumerate(records):
            if self.reject(record):
                failed.append({"index": index, "reason": "unknown code"})
            else:
                self._keep(request.path, record)
        self.applied += 1
        self.answers[name] = as_json({"receipt": f"R{self.applied}", "failed": failed})
        return self.answers[name]

    def _keep(self, path: str, record: Row) -> None:
        content = dict(record)
        op = content.pop("op")
        key = json.dumps([content[name] for name in ("period", "code", "unit")])
        rows = self.held.setdefault(path, {})
        self.taken.append((path, op, content))
        if op == "insert":
            assert key not in rows, f"{key} was inserted twice"
        else:
            assert key in rows, f"{op} of {key}, which was never sent"
        if op == "delete":
            del rows[key]
        else:
            rows[key] = content

    def rows(self, path: str = "/values") -> list[Row]:
        """What it holds, in the order of the key."""
        held = self.held.get(path, {})
        return [held[key] for key in sorted(held, key=json.loads)]
