"""What stands in the lake because files say so: a stamp of content per part, so nothing is written twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import duckdb

from warehouse.names import literal


def digest(contents: Iterable[bytes]) -> str:
    """sha256 over contents in their order, each with its length, so that borders between them count."""
    total = hashlib.sha256()
    for content in contents:
        total.update(len(content).to_bytes(8, "big"))
        total.update(content)
    return total.hexdigest()


def stamps(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Part → sha256 of what stands in the lake."""
    return dict(con.execute("SELECT part, sha256 FROM prepared").fetchall())


def stamp(con: duckdb.DuckDBPyConnection, part: str, sha256: str) -> None:
    """Note the new content of a part; the caller holds the write transaction that brings it."""
    con.execute(f"DELETE FROM prepared WHERE part = {literal(part)}")
    con.execute(f"INSERT INTO prepared VALUES ({literal(part)}, {literal(sha256)}, current_timestamp)")
