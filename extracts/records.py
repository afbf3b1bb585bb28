"""Rows as of a sequence, and what changed between two, in the order of the key and page by page.

A page goes on behind the last key of the page before (`after`), at the same sequence: no row comes twice and none is
left out, whatever is published in between. Rows are as in the NDJSON files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from cityhub.errors import Stop
from extracts import plain
from extracts.datasets import FOLDER, SQL_TYPES, Dataset
from extracts.model import ALL, ANY, Condition, Only
from extracts.store import Store, of
from warehouse.names import identifier, identifiers, literal

Row = dict[str, Any]
Key = tuple[str, ...]
PAGE = 5_000  # rows of a page where all are wanted


def key_of(dataset: str, row: Mapping[str, Any]) -> Key:
    """What `after` has to be for the rows behind this one."""
    return tuple(str(row[name]) for name in of(dataset).key)


def records(
    store: Store,
    dataset: str,
    *,
    at: int,
    period: str | None = None,
    unit: str | None = None,
    after: Key | None = None,
    limit: int,
    only: Only = ALL,
    where: Condition = ANY,
) -> list[Row]:
    """At most `limit` rows as of sequence `at`. `period`: a year, month or day with everything inside it.

    Raises as `Store.state`, and CH-EXT-002 when a file is gone. An `after` of another length is a ValueError.
    """
    found: list[Row] = []
    wanted = _Filter(of(dataset), period, unit, only, where)
    with _unless_expired(store, dataset, at):
        for month, sequence in store.state(dataset, at).items():
            if len(found) < limit and _may_hold(month, period, only, after):
                found += _page(_path(store, dataset, sequence), wanted, after, limit - len(found))
    return found


def summary(
    store: Store,
    dataset: str,
    statement: str,
    *,
    at: int,
    month: str,
    unit: str | None = None,
    only: Only = ALL,
    where: Condition = ANY,
) -> list[Row]:
    """What `statement` gives, a SELECT over `{rows}`: the rows of a month as of sequence `at`. Raises as `records`."""
    wanted = _Filter(of(dataset), None, unit, only, where)
    with _unless_expired(store, dataset, at):
        sequence = store.state(dataset, at).get(month)
        if sequence is None:
            return []
        rows = f"(SELECT * FROM read_parquet({literal(str(_path(store, dataset, sequence)))}) WHERE {wanted.where})"
        return list(_rows(statement.format(rows=rows), wanted.values))


def changes(
    store: Store,
    dataset: str,
    *,
    since: int,
    to: int,
    period: str | None = None,
    unit: str | None = None,
    after: Key | None = None,
    limit: int,
    only: Only = ALL,
) -> list[Row]:
    """At most `limit` differences between two states: `{"op": insert | revise | delete, "key": {…}, "row": {…}}`, one
    for each key, the row empty where it was deleted. `since` 0 is the time before the first extract.

    Raises as `Store.state`; CH-EXT-004 when `since` is after `to`.
    """
    if since > to:
        raise Stop("CH-EXT-004", token=since, latest=to)
    found: list[Row] = []
    wanted = _Filter(of(dataset), period, unit, only)
    with _unless_expired(store, dataset, since, to):
        now, then = store.state(dataset, to), store.state(dataset, since)
        for month, sequence in now.items():
            earlier = then.get(month)
            if earlier != sequence and len(found) < limit and _may_hold(month, period, only, after):
                old = None if earlier is None else _path(store, dataset, earlier)
                found += _differences(_path(store, dataset, sequence), old, wanted, after, limit - len(found))
    return found


def every_record(store: Store, dataset: str, *, at: int) -> Iterator[Row]:
    """All rows as of a sequence, read page by page."""
    yield from _walk(dataset, lambda after: records(store, dataset, at=at, after=after, limit=PAGE), lambda row: row)


def every_change(store: Store, dataset: str, *, since: int, to: int) -> Iterator[Row]:
    """All differences between two states, read page by page."""

    def page(after: Key | None) -> list[Row]:
        return changes(store, dataset, since=since, to=to, after=after, limit=PAGE)

    yield from _walk(dataset, page, lambda item: item["key"])


def _walk(dataset: str, page: Callable[[Key | None], list[Row]], key: Callable[[Row], Row]) -> Iterator[Row]:
    after = None
    while True:
        found = page(after)
        yield from found
        if len(found) < PAGE:
            return
        after = key_of(dataset, key(found[-1]))


@contextmanager
def _unless_expired(store: Store, dataset: str, *at: int) -> Iterator[None]:
    """A file that went away while it was read may have been pruned: then the sequence has expired, and nothing is
    damaged."""
    try:
        yield
    except (Stop, duckdb.IOException):
        for sequence in at:
            store.state(dataset, sequence)
        raise


class _Filter:
    """Conditions on rows with their values, for one dataset."""

    def __init__(
        self, dataset: Dataset, period: str | None, unit: str | None, only: Only, where: Condition = ANY
    ) -> None:
        self.dataset = dataset
        parts = [f"({where.text})"]
        values = [*where.values]
        if period is not None:
            parts.append(_INSIDE)
            values += [period, period]
        if only.periods is not None:
            patterns = [
                (_BEGINS, [item[:-1]]) if item.endswith("*") else (_INSIDE, [item, item]) for item in only.periods
            ]
            parts.append(f"({' OR '.join(text for text, _ in patterns) or 'FALSE'})")
            values += [value for _, given in patterns for value in given]
        units = [value for value in (None if unit is None else {unit}, only.units) if value is not None]
        for allowed in units if dataset.unit_column else []:
            parts.append(f"list_contains(from_json(?, '[\"VARCHAR\"]'), {identifier(str(dataset.unit_column))})")
            values.append(json.dumps(sorted(allowed), ensure_ascii=False))
        if unit is not None and dataset.unit_column is None:
            parts.append("FALSE")
        self.where = " AND ".join(parts)
        self.values = values


_INSIDE = '("period" = ? OR starts_with("period", ? || \'-\'))'
_BEGINS = 'starts_with("period", ?)'


def _may_hold(month: str, period: str | None, only: Only, after: Key | None) -> bool:
    """Whether the month's file can hold such rows: all periods in it are the month or begin with it."""
    wanted = [period] if period is not None else []
    if wanted and not any(month == item or _within(month, item) or _within(item, month) for item in wanted):
        return False
    if only.periods is not None:
        begins = [item[:-1] if item.endswith("*") else item for item in only.periods]
        if not any(month.startswith(item) or item.startswith(month) for item in begins):
            return False
    return after is None or not after or month >= after[0][: len(month)]


def _within(inner: str, outer: str) -> bool:
    return inner.startswith(f"{outer}-")


def _path(store: Store, dataset: str, sequence: int) -> Path:
    file = store.manifest(sequence).file(dataset, "parquet")
    folder = store.folder(sequence)
    if file is None or not (folder / file.path).is_file():
        raise Stop("CH-EXT-002", sequence=sequence, problem=f"{dataset}.parquet is gone", folder=str(folder))
    return folder / file.path


def _behind(dataset: Dataset, after: Key | None) -> tuple[str, list[str]]:
    """The condition for keys after this one, column by column."""
    if after is None:
        return "TRUE", []
    if len(after) != len(dataset.key):
        raise ValueError(f"a key of {dataset.id} has {len(dataset.key)} parts")
    given = [f"CAST(? AS {SQL_TYPES[dataset.column(name).type]})" for name in dataset.key]
    names = [identifier(name) for name in dataset.key]
    parts: list[str] = []
    values: list[str] = []
    for place in range(len(names)):
        same = [f"{name} = {value}" for name, value in zip(names[:place], given[:place], strict=True)]
        parts.append(f"({' AND '.join([*same, f'{names[place]} > {given[place]}'])})")
        values += after[: place + 1]
    first = f"{names[0]} >= {given[0]}"  # alone, so that Parquet's row groups before it are not read
    return f"({first} AND ({' OR '.join(parts)}))", [after[0], *values]


def _page(path: Path, wanted: _Filter, after: Key | None, limit: int) -> list[Row]:
    dataset = wanted.dataset
    behind, values = _behind(dataset, after)
    # A file is in the order of its key and is read in that order, so the first rows that fit are the page.
    select = f"SELECT * FROM read_parquet({literal(str(path))}) WHERE {wanted.where} AND {behind} LIMIT {int(limit)}"
    order = identifiers(dataset.key)
    return list(_rows(f"SELECT {plain.columns(dataset)} FROM ({select}) ORDER BY {order}", [*wanted.values, *values]))


def _differences(new: Path, old: Path | None, wanted: _Filter, after: Key | None, limit: int) -> list[Row]:
    dataset = wanted.dataset
    behind, values = _behind(dataset, after)
    key = identifiers(dataset.key)
    columns = [column.name for column in dataset.columns]
    statement = _template().format(
        new=f"SELECT * FROM read_parquet({literal(str(new))}) WHERE {wanted.where} AND {behind}",
        old=f"SELECT {key}, revision FROM read_parquet({literal(str(old or new))}) "
        f"WHERE {wanted.where} AND {behind} AND {'FALSE' if old is None else 'TRUE'}",
        join=" AND ".join(f"n.{identifier(name)} = o.{identifier(name)}" for name in dataset.key),
        columns=", ".join(
            f"coalesce(n.{identifier(name)}, o.{identifier(name)}) AS {identifier(name)}"
            if name in dataset.key
            else f"n.{identifier(name)}"
            for name in columns
        ),
        key=key,
        limit=int(limit),
        plain=plain.columns(dataset),
    )
    given = [*wanted.values, *values]
    return [_told(dataset, row) for row in _rows(statement, [*given, *given])]


def _told(dataset: Dataset, row: Row) -> Row:
    op = row.pop("op")
    key = {name: row[name] for name in dataset.key}
    return {"op": op, "key": key, "row": None if op == "delete" else row}


def _rows(statement: str, values: list[str]) -> Iterator[Row]:
    with _database().cursor() as cursor:
        answer = cursor.execute(statement, values)
        names = [column[0] for column in answer.description or ()]
        for found in answer.fetchall():
            yield dict(zip(names, found, strict=True))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One empty database in memory for a process; a cursor of it costs less than a database for each page."""
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    con.execute("SET preserve_insertion_order = true")
    return con


@cache
def _template() -> str:
    return (FOLDER / "sql" / "changes.sql").read_text(encoding="utf-8")
