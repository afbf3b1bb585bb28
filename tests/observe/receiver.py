"""A group robot for tests: takes what it should take, refuses what a real one refuses, keeps every message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from tests.servers.http import Answer, Request, as_json

DING_SECRET, FEISHU_SECRET = "SECding-of-tests", "feishu-of-tests"


@dataclass
class Robots:
    """`refuse` is answered instead, once for each entry."""

    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuse: list[Answer] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        if self.refuse:
            return self.refuse.pop(0)
        body = json.loads(request.body)
        kind = request.path.split("/")[1]
        assert request.headers["content-type"].startswith("application/json")
        answer = getattr(self, f"_{kind}")(request, body)
        if answer is None:
            self.taken.append((kind, body))
            self.keys.append(request.headers.get("idempotency-key", ""))
            return as_json({"code": 0, "msg": "success"} if kind == "feishu" else {"errcode": 0, "errmsg": "ok"})
        return answer  # type: ignore[no-any-return]  # one of the three below

    def _wecom(self, request: Request, body: dict[str, Any]) -> Answer | None:
        if request.query.get("key") != "wecom-token":
            return as_json({"errcode": 93000, "errmsg": "invalid webhook url"})
        content = body[body["msgtype"]]["content"]
        limit = {"markdown": 4096, "text": 2048}[body["msgtype"]]
        return as_json({"errcode": 40058, "errmsg": "too long"}) if len(content.encode()) > limit else None

    def _dingtalk(self, request: Request, body: dict[str, Any]) -> Answer | None:
        text = f"{request.query['timestamp']}\n{DING_SECRET}"
        want = base64.b64encode(hmac.new(DING_SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()
        if request.query["sign"] != want or request.query["access_token"] != "ding-token":
            return as_json({"errcode": 310000, "errmsg": "sign not match"})
        return None

    def _feishu(self, request: Request, body: dict[str, Any]) -> Answer | None:
        key = f"{body['timestamp']}\n{FEISHU_SECRET}"
        want = base64.b64encode(hmac.new(key.encode(), b"", hashlib.sha256).digest()).decode()
        return None if body["sign"] == want else as_json({"code": 19021, "msg": "sign match fail"})

    def _json(self, request: Request, body: dict[str, Any]) -> Answer | None:
        return None if request.headers.get("authorization") == "Bearer duty-token" else Answer(b"", 401)
