"""Rows of devices that no register knows, times without a time of day, values that carry a mark of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding
from warehouse.names import identifier
from warehouse.tables import stored_types

NAMED = 10
LEAST = 5
MOST, USUAL = 0.5, 0.1  # share of rows at midnight that is strange, where the day before had at most so many
MIDNIGHT = "epoch_ms({0}) % 86400000 = 57600000"  # 00:00 in Shanghai, which has been +08:00 since 1992


def watch(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, before: date | None) -> Iterator[Finding]:
    """`unknown_entity`, `date_only` and `marked`."""
    if "strangers" not in spec.watch.off:
        yield from _unknown(con, spec, day)
    if before is not None and "midnight" not in spec.watch.off:
        yield from _midnight(con, spec, day, before)
    for column, marks in spec.watch.marks.items():
        listed = ", ".join("'" + mark.replace("'", "''") + "'" for mark in marks)
        rows = con.execute(
            f"SELECT {identifier(column)}, count(*) FROM {identifier(spec.table)} WHERE service_day = $day"
            f" AND {identifier(column)} IN ({listed}) GROUP BY 1 ORDER BY 1",
            {"day": day},
        ).fetchall()
        if rows:
            some = ", ".join(f"{mark}: {count}" for mark, count in rows)
            total = sum(count for _, count in rows)
            yield Finding(
                "marked", "info", f"values with a mark that says not to use them: {some}", column, row_count=total
            )


def _unknown(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date) -> Iterator[Finding]:
    if spec.unit.by != "lookup" or not spec.unit.field or not spec.unit.table or not spec.unit.key:
        return
    if not stored_types(con, spec.unit.table):
        return
    own, key = identifier(spec.unit.field), identifier(spec.unit.key)
    rows = con.execute(
        f"SELECT CAST({own} AS VARCHAR), count(*) FROM {identifier(spec.table)} WHERE service_day = $day"
        f" AND {own} IS NOT NULL AND CAST({own} AS VARCHAR) NOT IN"
        f" (SELECT CAST({key} AS VARCHAR) FROM {identifier(spec.unit.table)} WHERE {key} IS NOT NULL)"
        " GROUP BY 1 ORDER BY 1",
        {"day": day},
    ).fetchall()
    if rows:
        hidden = spec.fields[spec.unit.field].personal != "no"
        some = ", ".join(name for name, _ in rows[:NAMED]) if not hidden else f"{len(rows)} of them"
        yield Finding(
            "unknown_entity", "warning", f"{spec.unit.table} does not know {some}: the rows belong to no unit",
            spec.unit.field, observed=f"{len(rows)} unknown", row_count=sum(count for _, count in rows),
        )  # fmt: skip


def _midnight(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, before: date) -> Iterator[Finding]:
    columns = [name for name, field in spec.fields.items() if field.type == "timestamp"]
    if not columns:
        return
    shares = ", ".join(
        f"count(*) FILTER ({MIDNIGHT.format(identifier(name))}) AS z{i}, count({identifier(name)}) AS n{i}"
        for i, name in enumerate(columns)
    )
    rows_of = con.execute(
        f"SELECT service_day, {shares} FROM {identifier(spec.table)} WHERE service_day IN ($day, $before) GROUP BY 1",
        {"day": day, "before": before},
    ).fetchall()
    found = {row[0]: row[1:] for row in rows_of}
    if day not in found or before not in found:
        return
    for i, name in enumerate(columns):
        (zeros, rows), (zeros_before, rows_before) = (found[each][2 * i : 2 * i + 2] for each in (day, before))
        if min(rows, rows_before) >= LEAST and zeros > MOST * rows and zeros_before < USUAL * rows_before:
            detail = f"{name}: {zeros} of {rows} times are midnight: the time of day is cut off"
            seen, usual = f"{zeros / rows:.0%}", f"{zeros_before / rows_before:.0%}"
            yield Finding("date_only", "warning", detail, name, observed=seen, expected=usual, row_count=zeros)
