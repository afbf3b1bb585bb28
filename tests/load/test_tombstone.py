"""A row that says that it is gone removes what is stored, whatever order deliveries come in."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from tests.load.kit import Hub, feed
from warehouse.load import LoadResult

NINETEENTH, TWENTIETH = date(2026, 11, 19), date(2026, 11, 20)
GONE = {"key": ["id"], "deletes": "tombstone", "tombstone": {"state": ["removed", "void"]}}
STATE = {"state": {"from": "s", "codes": {"在用": "active", "移除": "removed", "作废": "void"}}, "v": {"from": "v"}}
PLAIN = feed(STATE, identity=GONE)
TIMED = feed(
    {"ts": {"from": "t", "type": "timestamp"}, "u": {"from": "u", "type": "timestamp"}, **STATE},
    identity={**GONE, "day_from": "ts", "version": "u"},
)


def row(key: str, state: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "s": state, "v": "1", **more}


def timed(key: str, state: str, hour: int, **more: Any) -> dict[str, Any]:
    return row(key, state, t="2026-11-19 08:00:00", u=f"2026-11-20 {hour:02d}:00:00", **more)


def keys(hub: Hub) -> list[str]:
    return [key for (key,) in hub.rows("SELECT id FROM mk_trial ORDER BY 1")]


def counts(result: LoadResult) -> tuple[int, int, int, int]:
    return result.inserted, result.updated, result.unchanged, result.duplicate


def findings(hub: Hub) -> str | None:
    return hub.rows("SELECT findings FROM delivery ORDER BY service_day DESC LIMIT 1")[0][0]


def test_a_tombstone_removes_the_stored_row_and_is_told(hub: Hub) -> None:
    hub.prepare(PLAIN)
    hub.load(PLAIN, [row("A", "在用"), row("B", "在用")], day=NINETEENTH)
    result = hub.load(PLAIN, [row("A", "移除"), row("C", "在用")])
    assert counts(result) == (1, 1, 0, 0)
    assert keys(hub) == ["B", "C"]
    assert findings(hub) is not None
    assert "closed:1" in str(findings(hub))
    assert TWENTIETH in result.days
    assert hub.rows("SELECT feed, key FROM tombstone") == [("muck.trial", '["A"]')]


def test_each_of_several_values_means_gone(hub: Hub) -> None:
    hub.prepare(PLAIN)
    hub.load(PLAIN, [row("A", "在用"), row("B", "在用")], day=NINETEENTH)
    hub.load(PLAIN, [row("A", "移除"), row("B", "作废")])
    assert keys(hub) == []


def test_an_older_version_that_comes_later_does_not_bring_the_row_back(hub: Hub) -> None:
    hub.prepare(TIMED)
    hub.load(TIMED, [timed("A", "在用", 8)])
    removed = hub.load(TIMED, [timed("A", "移除", 12)])
    assert counts(removed) == (0, 1, 0, 0)
    assert NINETEENTH in removed.days
    late = hub.load(TIMED, [timed("A", "在用", 10), timed("B", "在用", 10)])
    assert counts(late) == (1, 0, 0, 1)
    assert keys(hub) == ["B"]


def test_a_newer_version_brings_the_row_back_and_forgets_the_tombstone(hub: Hub) -> None:
    hub.prepare(TIMED)
    hub.load(TIMED, [timed("A", "移除", 12)])
    assert hub.one("SELECT count(*) FROM tombstone") == 1
    back = hub.load(TIMED, [timed("A", "在用", 13)])
    assert counts(back) == (1, 0, 0, 0)
    assert keys(hub) == ["A"]
    assert hub.one("SELECT count(*) FROM tombstone") == 0


def test_a_tombstone_that_comes_before_its_row_is_remembered(hub: Hub) -> None:
    hub.prepare(TIMED)
    early = hub.load(TIMED, [timed("A", "移除", 12)])
    assert counts(early) == (0, 0, 1, 0)
    assert counts(hub.load(TIMED, [timed("A", "在用", 9)])) == (0, 0, 0, 1)
    assert keys(hub) == []


def test_an_older_tombstone_does_not_remove_a_newer_row(hub: Hub) -> None:
    hub.prepare(TIMED)
    hub.load(TIMED, [timed("A", "在用", 12)])
    assert counts(hub.load(TIMED, [timed("A", "移除", 9)])) == (0, 0, 0, 1)
    assert keys(hub) == ["A"]


def test_without_a_version_the_delivery_of_the_later_day_decides(hub: Hub) -> None:
    hub.prepare(PLAIN)
    hub.load(PLAIN, [row("A", "移除"), row("B", "在用")])
    hub.load(PLAIN, [row("A", "在用"), row("B", "移除")], day=NINETEENTH)
    assert keys(hub) == ["B"]
    hub.load(PLAIN, [row("A", "在用", v="2")], day=date(2026, 11, 21))
    assert keys(hub) == ["A", "B"]


def test_the_newest_of_several_versions_in_one_delivery_decides(hub: Hub) -> None:
    hub.prepare(TIMED)
    result = hub.load(
        TIMED, [timed("A", "移除", 9), timed("A", "在用", 10), timed("B", "在用", 9), timed("B", "移除", 10)]
    )
    assert keys(hub) == ["A"]
    assert counts(result) == (1, 0, 1, 2)


def test_the_same_tombstone_again_changes_nothing(hub: Hub) -> None:
    hub.prepare(TIMED)
    hub.load(TIMED, [timed("A", "在用", 8)])
    hub.load(TIMED, [timed("A", "移除", 12)])
    before = hub.rows("SELECT * EXCLUDE (noted_at) FROM tombstone")
    again = hub.load(TIMED, [timed("A", "移除", 12), timed("B", "在用", 12)])
    assert counts(again) == (1, 0, 1, 0)
    assert hub.rows("SELECT * EXCLUDE (noted_at) FROM tombstone") == before


@pytest.mark.parametrize(
    "identity",
    [
        {"key": ["id"], "deletes": "tombstone"},
        {"key": ["id"], "tombstone": {"state": ["removed"]}},
        {"key": ["id"], "deletes": "tombstone", "tombstone": {"stat": ["removed"]}},
    ],
)
def test_a_tombstone_that_means_nothing_is_refused(identity: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="tombstone"):
        feed(STATE, identity=identity)
