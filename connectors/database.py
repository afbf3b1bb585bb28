"""Tables and views of exchange databases (前置库) into landing: one snapshot, text columns, Parquet parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from cityhub import log
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource
from connectors.db_arrow import bulk, has_bulk_path, highest, streamed
from connectors.db_engine import connect, explain_database, shown_url, url_of
from connectors.db_query import Query, plan
from connectors.retry import DEFAULT, Deadline, Policy, retried
from warehouse.landing import Delivery

PART_ROWS = 500_000
_RETRIES = 2
logger = log.get("cityhub.connectors")


def pull(
    spec: FeedSpec,
    day: date,
    delivery: Delivery,
    cursor: str | None = None,
    *,
    policy: Policy = DEFAULT,
    limit: int | None = None,
) -> None:
    """Land the rows of a service day, or the rows changed since `cursor` less the overlap; a preview sets a `limit`.

    `delivery.cursor` becomes the highest value of the change column that was read; the caller moves the
    feed's position only when the load commits. Raises what `connect`, `plan` and `explain_database` raise.
    """
    url, place = where(spec, day)
    connection = connected(spec, url, place, policy)
    with closing(connection):
        try:
            query = replace(plan(connection, spec, day, cursor, place), limit=limit)
            rows = _land(connection, url, query, delivery, f"SELECT {place['address']} {place['table']}")
        except (DBAPIError, RuntimeError) as error:
            raise explain_database(error, url, place, table=place["table"]) from error
    delivery.cursor = delivery.cursor or cursor
    delivery.stated_total = rows
    if query.missing:
        delivery.findings.append(f"the table lacks columns of the spec: {', '.join(query.missing)}")
    log.event(logger, "pulled", feed=spec.feed, interval=day, rows=rows, parts=len(delivery))


class Look:
    """An open connection to a feed's table: what a connection test reports. Raises like `pull`, step by step."""

    def __init__(self, spec: FeedSpec, day: date, policy: Policy) -> None:
        self._spec, self._day = spec, day
        self._url, self.place = where(spec, day)
        self._connection = connected(spec, self._url, self.place, policy)

    def table(self) -> str:
        """Find the table and its columns."""
        query = self._planned()
        return f"{self.place['table']} has {len(query.columns)} columns: {', '.join(list(query.columns)[:12])}"

    def rows(self, most: int) -> int:
        """How many rows of the day there are, counted to `most`."""
        query = replace(self._planned(), limit=most)
        try:
            return sum(batch.num_rows for batch in streamed(self._connection, query))
        except (DBAPIError, RuntimeError) as error:
            raise explain_database(error, self._url, self.place, table=self.place["table"]) from error

    def _planned(self) -> Query:
        try:
            return plan(self._connection, self._spec, self._day, None, self.place)
        except DBAPIError as error:
            raise explain_database(error, self._url, self.place, table=self.place["table"]) from error

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


def where(spec: FeedSpec, day: date) -> tuple[URL, dict[str, Any]]:
    """The URL with its login, and the place for errors."""
    url = url_of(spec, day)
    return url, {"feed": spec.feed, "address": shown_url(url), "table": getattr(spec.source, "table", "")}


def connected(spec: FeedSpec, url: URL, place: dict[str, Any], policy: Policy) -> Connection:
    """A connection, tried again while its failure may pass; the names of the login's secrets go into errors."""
    source = spec.source
    if not isinstance(source, DatabaseSource):
        raise TypeError(f"{spec.feed} is no database feed")
    names = {key: value for key, value in (("user", source.user), ("password", source.password)) if value}
    return retried(lambda: connect(url, {**place, **names}), _RETRIES, policy, Deadline(policy), feed=spec.feed)


def _land(connection: Connection, url: URL, query: Query, delivery: Delivery, request: str) -> int:
    # connectorx writes a row that it fails on to standard error, where nobody can take it back.
    fast = has_bulk_path(url) and query.limit is None and delivery.keeps_originals
    batches = bulk(url, query) if fast else streamed(connection, query)
    top: Any = None
    total = 0
    part: list[pa.RecordBatch] = []
    for batch in _limited(batches):
        part.append(batch)
        total += batch.num_rows
        if query.cursor:
            value = highest(batch, query)
            top = value if top is None or (value is not None and value > top) else top
        if sum(item.num_rows for item in part) >= PART_ROWS:
            _store(delivery, part, query, request)
            part = []
    if part or not len(delivery):
        _store(delivery, part, query, request)
    delivery.cursor = None if top is None else str(top)
    return total


def _limited(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Leave out the empty batches that some drivers end with."""
    return (batch for batch in batches if batch.num_rows)


def _store(delivery: Delivery, batches: list[pa.RecordBatch], query: Query, request: str) -> None:
    schema = pa.schema([(name, pa.string()) for name in query.columns])
    file = BytesIO()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
    delivery.add(file.getvalue(), "parquet", request=request, columns=tuple(query.columns))
