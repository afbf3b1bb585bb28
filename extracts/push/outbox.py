"""The outbox of pushes: one SQLite file that survives kills, with one outstanding batch a target and dataset.

A key has one line in it: the newest thing to say about it. What comes later takes the place of what was not said yet,
so a target never gets an older content after a newer one, whatever was refused, tried again or dropped in between.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub import clock
from cityhub.settings import Settings

Row = dict[str, Any]
Change = tuple[Row, Row | None]  # key, and the row as it is now; None: it is no more
_SCHEMA = Path(__file__).with_name("outbox.sql")


@dataclass(frozen=True)
class Item:
    """One key with what is to be said about it: `row` is None for a delete."""

    id: int
    key: Row
    row: Row | None
    told: bool
    sequence: int

    @property
    def op(self) -> str:
        """insert, revise or delete, as the target sees it."""
        if self.row is None:
            return "delete"
        return "revise" if self.told else "insert"


@dataclass(frozen=True)
class Batch:
    """What goes out as one request: the same bytes and the same idempotency key at every try."""

    id: str
    dataset: str
    sequence: int
    body: bytes
    rows: int
    attempts: int
    next_at: str | None


@dataclass(frozen=True)
class Made:
    """What `next_batch` made of one item: a record, nothing (`skip`: the target is not to have it), or a finding.
    `gone`: the record tells the target to forget a row that is still there, but not for it."""

    record: Row | None = None
    gone: bool = False
    skip: bool = False
    unmapped: str | None = None


def path_of(settings: Settings) -> Path:
    """The file of an installation."""
    return settings.home / "push" / "outbox.sqlite"


class Outbox:
    """The outbox of all targets. One process at a time pushes to a target; others may read."""

    def __init__(self, path: Path | None, *, copy_of: Path | None = None) -> None:
        """`path` None: in memory, with the content of `copy_of`, for a look at what would be sent."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.con = sqlite3.connect(path or ":memory:", timeout=60, isolation_level=None)
        if copy_of is not None and copy_of.exists():
            with sqlite3.connect(copy_of) as source:
                source.backup(self.con)
            source.close()
        if path is not None:
            self.con.execute("PRAGMA journal_mode = WAL")
            self.con.execute("PRAGMA synchronous = FULL")
        self.con.executescript(_SCHEMA.read_text(encoding="utf-8"))
        self.con.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file."""
        self.con.close()

    @contextmanager
    def whole(self) -> Iterator[sqlite3.Connection]:
        self.con.execute("BEGIN IMMEDIATE")
        try:
            yield self.con
        except BaseException:
            self.con.execute("ROLLBACK")
            raise
        self.con.execute("COMMIT")

    def token(self, target: str, dataset: str) -> tuple[int, str]:
        """The publication up to which changes are in the outbox, and the rule of then; 0 and none at first."""
        found = self.con.execute(
            "SELECT sequence, rule FROM token WHERE target = ? AND dataset = ?", (target, dataset)
        ).fetchone()
        return (int(found["sequence"]), str(found["rule"])) if found else (0, "")

    def fill(
        self, target: str, dataset: str, to: int, rule: str, changes: Iterable[Change], *, everything: bool = False
    ) -> int:
        """Take in all changes up to publication `to`, or none of them; how many lines they made. `everything`: they are
        all rows that there are, so what the outbox knows beside them is no more."""
        count = 0
        with self.whole() as con:
            if everything:
                con.execute("CREATE TEMP TABLE seen (key TEXT PRIMARY KEY)")
            for key, row in changes:
                if everything:
                    con.execute("INSERT INTO seen VALUES (?)", (_text(key),))
                count += self._put(con, target, dataset, to, rule, _text(key), row)
            if everything:
                gone = con.execute(
                    "SELECT key FROM item WHERE target = ? AND dataset = ? AND op != 'delete' "
                    "AND key NOT IN (SELECT key FROM seen)",
                    (target, dataset),
                ).fetchall()
                count += sum(self._put(con, target, dataset, to, rule, item["key"], None) for item in gone)
                con.execute("DROP TABLE seen")
            con.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?)", (target, dataset, to, rule))
        return count

    def _put(
        self, con: sqlite3.Connection, target: str, dataset: str, to: int, rule: str, key: str, row: Row | None
    ) -> int:  # fmt: skip
        source = None if row is None else _text(row)
        digest = None if source is None else hashlib.sha256(f"{rule}\n{source}".encode()).hexdigest()
        known = con.execute(
            "SELECT id, state, sha256, op FROM item WHERE target = ? AND dataset = ? AND key = ?",
            (target, dataset, key),
        ).fetchone()
        op = "delete" if row is None else "put"
        if known is None:
            if row is not None:
                con.execute(
                    "INSERT INTO item (target, dataset, key, op, source, sequence, state, sha256) "
                    "VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)",
                    (target, dataset, key, op, source, to, digest),
                )
            return int(row is not None)
        if known["op"] == op and known["sha256"] == digest and known["state"] != "dropped":
            return 0
        con.execute(
            "UPDATE item SET op = ?, source = ?, sequence = ?, state = 'waiting', batch = NULL, most = NULL, "
            "sha256 = ?, detail = NULL WHERE id = ?",
            (op, source, to, digest, known["id"]),
        )
        return 1

    def outstanding(self, target: str, dataset: str) -> Batch | None:
        """The batch whose outcome is not known yet."""
        found = self.con.execute(
            "SELECT * FROM batch WHERE target = ? AND dataset = ? AND state = 'waiting'", (target, dataset)
        ).fetchone()
        return _batch(found) if found else None

    def next_batch(
        self,
        target: str,
        dataset: str,
        size: int,
        made: Callable[[Item], Made],
        encode: Callable[[str, list[Row], int], bytes],
    ) -> Batch | None:
        """The outstanding batch, else a new one of at most `size` rows, frozen; None when nothing waits.

        `made` turns an item into a record; `encode(id, records, sequence)` makes the body.
        """
        batch = self.outstanding(target, dataset)
        while batch is None:
            with self.whole() as con:
                items = self._waiting(con, target, dataset, size)
                if not items:
                    return None
                taken = [(item, found) for item in items if (found := self._judged(con, item, made(item))) is not None]
                if taken:
                    batch = self._freeze(con, target, dataset, taken, encode)
        return batch

    def _waiting(self, con: sqlite3.Connection, target: str, dataset: str, size: int) -> list[Item]:
        where = "target = ? AND dataset = ? AND state = 'waiting'"
        first = con.execute(f"SELECT most FROM item WHERE {where} ORDER BY id LIMIT 1", (target, dataset)).fetchone()
        if first is None:
            return []
        most = first["most"]
        rows = con.execute(
            f"SELECT * FROM item WHERE {where} AND most IS ? ORDER BY id LIMIT ?",
            (target, dataset, most, min(size, most or size)),
        ).fetchall()
        return [_item(row) for row in rows]

    def _judged(self, con: sqlite3.Connection, item: Item, made: Made) -> Row | None:
        if made.unmapped is not None:
            con.execute("UPDATE item SET state = 'unmapped', detail = ? WHERE id = ?", (made.unmapped, item.id))
            return None
        if made.skip or (item.row is None and not item.told):
            con.execute("DELETE FROM item WHERE id = ?", (item.id,))
            return None
        if made.gone:
            con.execute("UPDATE item SET op = 'delete', source = NULL, sha256 = NULL WHERE id = ?", (item.id,))
        return made.record

    def _freeze(
        self, con: sqlite3.Connection, target: str, dataset: str, taken: list[tuple[Item, Row]],
        encode: Callable[[str, list[Row], int], bytes],
    ) -> Batch:  # fmt: skip
        name, sequence = secrets.token_hex(16), max(item.sequence for item, _ in taken)
        body = encode(name, [record for _, record in taken], sequence)
        ids = [item.id for item, _ in taken]
        con.execute(
            "INSERT INTO batch (id, number, target, dataset, sequence, body, sha256, items, row_count, state, "
            "created_at) "
            "VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM batch), ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
            (name, target, dataset, sequence, body, hashlib.sha256(body).hexdigest(), json.dumps(ids), len(ids),
             clock.now().isoformat()),
        )  # fmt: skip
        con.executemany("UPDATE item SET state = 'batched', batch = ? WHERE id = ?", [(name, one) for one in ids])
        return Batch(name, dataset, sequence, body, len(ids), 0, None)

    def sent(self, batch: Batch, receipt: str | None, rejected: Mapping[int, str]) -> None:
        """The target took the batch, but for the records at the places in `rejected`, which are dead letters now."""
        with self.whole() as con:
            ids = json.loads(con.execute("SELECT items FROM batch WHERE id = ?", (batch.id,)).fetchone()[0])
            dead = {ids[place]: reason for place, reason in rejected.items() if 0 <= place < len(ids)}
            taken = [(one, batch.id) for one in ids if one not in dead]
            con.executemany("UPDATE item SET told = 1 WHERE id = ?", [(one,) for one, _ in taken])
            con.executemany("DELETE FROM item WHERE id = ? AND batch = ? AND op = 'delete'", taken)
            con.executemany(
                "UPDATE item SET state = 'held', source = NULL, batch = NULL, most = NULL, detail = NULL "
                "WHERE id = ? AND batch = ?",
                taken,
            )
            con.executemany(
                "UPDATE item SET state = 'dead', batch = NULL, detail = ? WHERE id = ? AND batch = ?",
                [(reason, one, batch.id) for one, reason in dead.items()],
            )
            self._over(con, batch, "sent", None, receipt, len(dead))

    def split(self, batch: Batch, error: str) -> None:
        """The target refuses the batch as it is: its rows travel in smaller ones; one alone is a dead letter."""
        with self.whole() as con:
            if batch.rows == 1:
                con.execute(
                    "UPDATE item SET state = 'dead', batch = NULL, detail = ? WHERE batch = ?", (error, batch.id)
                )
                self._over(con, batch, "refused", error, None, 1)
            else:
                con.execute(
                    "UPDATE item SET state = 'waiting', batch = NULL, most = ? WHERE batch = ?",
                    (max(1, batch.rows // 2), batch.id),
                )
                self._over(con, batch, "split", error, None, 0)

    def postponed(self, batch: Batch, error: str, next_at: str) -> None:
        """A try in vain; the batch stays as it is."""
        self.con.execute(
            "UPDATE batch SET attempts = attempts + 1, error = ?, next_at = ? WHERE id = ?", (error, next_at, batch.id)
        )

    def _over(
        self, con: sqlite3.Connection, batch: Batch, state: str, error: str | None, receipt: str | None, rejected: int
    ) -> None:  # fmt: skip
        con.execute(
            "UPDATE batch SET state = ?, body = NULL, attempts = attempts + 1, error = ?, receipt = ?, rejected = ?, "
            "next_at = NULL, done_at = ? WHERE id = ?",
            (state, error, receipt, rejected, clock.now().isoformat(), batch.id),
        )


def _text(value: Row) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _item(row: sqlite3.Row) -> Item:
    source = json.loads(row["source"]) if row["source"] else None
    return Item(row["id"], json.loads(row["key"]), source, bool(row["told"]), row["sequence"])


def _batch(row: sqlite3.Row) -> Batch:
    return Batch(
        row["id"], row["dataset"], row["sequence"], row["body"], row["row_count"], row["attempts"], row["next_at"]
    )
