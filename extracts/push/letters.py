"""What lies in an outbox and did not arrive, and what people do with it: try again, or give it up."""

from __future__ import annotations

import json
from collections.abc import Iterable

from extracts.push.outbox import Outbox, Row

DEAD = ("dead", "dropped")  # refused by the target, and given up by us
NOT_SENT = ("unmapped", *DEAD)


def again(outbox: Outbox, target: str, states: Iterable[str], dataset: str | None = None) -> int:
    """Rows of these states wait once more; how many."""
    once_alone = "state = 'waiting', detail = NULL, most = CASE state WHEN 'dead' THEN 1 END"
    return _changed(outbox, once_alone, target, states, dataset)


def drop(outbox: Outbox, target: str, states: Iterable[str], dataset: str | None = None) -> int:
    """Rows of these states are given up until their content changes; how many."""
    return _changed(outbox, "state = 'dropped'", target, states, dataset)


def _changed(outbox: Outbox, change: str, target: str, states: Iterable[str], dataset: str | None) -> int:
    only, values = ("AND dataset = ?", [dataset]) if dataset else ("", [])
    marks, names = _marks(states)
    with outbox.whole() as con:
        return con.execute(
            f"UPDATE item SET {change} WHERE target = ? AND state IN ({marks}) {only}", [target, *names, *values]
        ).rowcount


def counts(outbox: Outbox, target: str | None = None) -> list[Row]:
    """Rows by target, dataset and state."""
    where, values = ("WHERE target = ?", [target]) if target else ("", [])
    rows = outbox.con.execute(
        f"SELECT target, dataset, state, count(*) AS row_count FROM item {where} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        values,
    )
    return [dict(row) for row in rows]


def letters(outbox: Outbox, target: str | None, states: Iterable[str], limit: int = 200) -> list[Row]:
    """Rows that did not arrive, with the reason, oldest first."""
    marks, names = _marks(states)
    where, values = ("AND target = ?", [target]) if target else ("", [])
    rows = outbox.con.execute(
        f"SELECT target, dataset, state, key, op, sequence, detail FROM item WHERE state IN ({marks}) {where} "
        "ORDER BY id LIMIT ?",
        [*names, *values, limit],
    )
    return [dict(row) | {"key": json.loads(row["key"])} for row in rows]


def reasons(outbox: Outbox, target: str | None, states: Iterable[str]) -> list[Row]:
    """Why rows did not arrive: one line a reason, with how many rows it keeps and the first key."""
    marks, names = _marks(states)
    where, values = ("AND target = ?", [target]) if target else ("", [])
    rows = outbox.con.execute(
        "SELECT target, dataset, state, detail, count(*) AS row_count, min(key) AS first_key FROM item "
        f"WHERE state IN ({marks}) {where} GROUP BY 1, 2, 3, 4 ORDER BY row_count DESC, 1, 2, 3, 4",
        [*names, *values],
    )
    return [dict(row) | {"first_key": json.loads(row["first_key"])} for row in rows]


def batches(outbox: Outbox, target: str | None = None, limit: int = 200) -> list[Row]:
    """Batches, newest first, without their bodies."""
    where, values = ("WHERE target = ?", [target]) if target else ("", [])
    rows = outbox.con.execute(
        "SELECT number, id, target, dataset, sequence, row_count, state, attempts, next_at, error, receipt, rejected, "
        f"sha256, created_at, done_at FROM batch {where} ORDER BY number DESC LIMIT ?",
        [*values, limit],
    )
    return [dict(row) for row in rows]


def _marks(states: Iterable[str]) -> tuple[str, list[str]]:
    names = list(states)
    return ", ".join("?" * len(names)), names
