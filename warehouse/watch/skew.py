"""A clock that is hours off, seen in feeds whose devices report in some hours of the day only."""

from __future__ import annotations

from typing import Any

import duckdb

DAY = 24
USUAL_SHARE, RARE_SHARE = 0.8, 0.25
MANY = 200
# Hours in which a device differs from the others: so few are chance, so many are a pattern.
ALIKE, APART = 1, 4


def rotated(con: duckdb.DuckDBPyConnection, *, least: int) -> dict[Any, int]:
    """Device → hours by which its pattern of hours must be turned to be that of the others.

    Needs hours that are usual and hours that are not; where devices report all day nothing can be seen.
    """
    shares = con.execute(
        "SELECT h, count(*) FILTER ((hours >> h) & 1 = 1) / count(*) AS share, count(*)"
        " FROM watch_device, range(24) AS t(h) GROUP BY h ORDER BY h"
    ).fetchall()
    if not shares or shares[0][2] < least:
        return {}
    usual = sum(1 << hour for hour, share, _ in shares if share >= USUAL_SHARE)
    seen = sum(1 << hour for hour, share, _ in shares if share >= RARE_SHARE)
    if usual == 0 or seen.bit_count() > DAY - ALIKE - 1:
        return {}
    strange = con.execute(
        f"SELECT d, hours FROM watch_device WHERE bit_count(hours::UINTEGER & ~{seen}::UINTEGER) >= {APART - 1}"
        f" AND bit_count({usual}::UINTEGER & ~hours::UINTEGER) >= {APART - 1} ORDER BY d LIMIT {MANY}"
    ).fetchall()
    found = {}
    for device, hours in strange:
        fits = [turn for turn in range(1, DAY) if _misfit(_turned(int(hours), -turn), usual, seen) <= ALIKE]
        if fits:
            turn = min(fits, key=lambda turn: min(turn, DAY - turn))
            found[device] = turn if turn <= DAY // 2 else turn - DAY
    return found


def _turned(hours: int, by: int) -> int:
    by %= DAY
    return ((hours << by) | (hours >> (DAY - by))) & ((1 << DAY) - 1)


def _misfit(hours: int, usual: int, seen: int) -> int:
    return (usual & ~hours).bit_count() + (hours & ~seen).bit_count()
