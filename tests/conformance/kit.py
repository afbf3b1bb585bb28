"""A small REST feed with a login, totals, a version and a personal field, and the suite over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from conformance.result import CaseResult
from conformance.run import run

FIELDS: dict[str, Any] = {
    "id": {"from": "bh", "required": True},
    "ts": {"from": "sj", "type": "timestamp", "required": True},
    "u": {"from": "gx", "type": "timestamp"},
    "v": {"from": "z", "type": "double", "min": 0, "max": 90},
    "n": {"from": "sl", "type": "integer"},
    "state": {"from": "zt", "codes": {"在用": "active", "移除": "removed"}},
    "phone": {"from": "dh", "personal": "hash"},
}
GOOD = {
    "bh": "A0001", "sj": "2026-11-20 08:00:00", "gx": "2026-11-20 09:00:00", "z": 12.5, "sl": 3, "zt": "在用",
    "dh": "13912345678",
}  # fmt: skip
BODY: dict[str, Any] = {
    "feed": "muck.canned",
    "title": {"zh": "试", "en": "trial"},
    "platform": "muck",
    "table": "mk_canned",
    "description": "Rows of a test.",
    "owner": {"department": "城管局", "person": "张三", "phone": "0371-0000"},
    "source": {
        "kind": "rest",
        "address": "${canned_url}/api/rows",
        "auth": {"kind": "login", "path": "/login", "user": "canned_user", "password": "canned_password",
                 "token_at": "data.token"},
        "paging": {"kind": "page", "total_at": "data.total"},
        "records_at": "data.list",
        "error_when": {"at": "code", "ok": 0, "message_at": "message"},
    },
    "identity": {"key": ["id"], "day_from": "ts", "version": "u"},
    "fields": FIELDS,
    "examples": [
        {"given": GOOD, "expect": {"id": "A0001", "v": 12.5, "state": "active"}},
        {"given": {**GOOD, "bh": "B0001", "z": 99}, "quarantine": "out_of_range"},
    ],
}  # fmt: skip


def spec(**more: Any) -> FeedSpec:
    """The feed, with parts of its spec replaced."""
    return FeedSpec.model_validate(BODY | more)


def installation(home: Path) -> Settings:
    """An installation with no feeds and nothing landed."""
    feeds = home / "feeds"
    feeds.mkdir(parents=True, exist_ok=True)
    return Settings(home, feeds, str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


def outcome(home: Path, case: str, feed: FeedSpec | None = None) -> CaseResult:
    """The result of one case."""
    (result,) = run(installation(home), feed or spec(), only=[case])
    return result
