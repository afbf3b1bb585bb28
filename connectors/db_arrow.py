"""Rows of a query as Arrow batches of text columns: exact values, and types are the load's business.

Bulk path: connectorx, one statement, streamed; every column is cast to text by the database, because
connectorx cuts NUMERIC to ten decimals and dies of infinite dates. Other databases: SQLAlchemy with a
server-side cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import Dialect

from connectors.db_query import Query

BATCH = 50_000
_PLAIN_SETTINGS = {
    "postgresql": [
        "SET TimeZone = 'Asia/Shanghai'",
        "SET DateStyle = 'ISO, YMD'",
        "SET IntervalStyle = 'postgres'",
        "SET extra_float_digits = 1",
    ],
    "mysql": ["SET time_zone = '+08:00'"],
}
_DIALECTS: dict[str, Callable[..., Dialect]] = {"postgresql": postgresql.dialect, "mysql": mysql.dialect}


def has_bulk_path(url: URL) -> bool:
    """True where connectorx reads this database."""
    return url.get_backend_name() in _PLAIN_SETTINGS and bool(url.host) and not url.query


def bulk(url: URL, query: Query) -> Iterator[pa.RecordBatch]:
    """Batches through connectorx. Raises RuntimeError with the database's words."""
    import connectorx

    name = url.get_backend_name()
    # paramstyle: the drivers' own would double each percent sign in names and values.
    dialect = _DIALECTS[name](paramstyle="named")
    statement = query.select(as_text=True).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    schema = pa.schema([(column, pa.string()) for column in query.columns])
    try:
        stream = connectorx.read_sql(
            url.set(drivername=name).render_as_string(hide_password=False),
            str(statement),
            return_type="arrow_stream",
            batch_size=BATCH,
            pre_execution_query=_PLAIN_SETTINGS[name],
        )
        for batch in stream:
            yield pa.RecordBatch.from_arrays([item.cast(pa.string()) for item in batch.columns], schema=schema)
    except BaseException as error:
        # connectorx is Rust; what it did not foresee arrives as a panic, which is no Exception.
        if type(error).__name__ == "PanicException":
            raise RuntimeError(str(error)) from None
        raise


def streamed(connection: Connection, query: Query) -> Iterator[pa.RecordBatch]:
    """Batches through the driver's own rows. Raises sqlalchemy's DBAPIError."""
    names = list(query.columns)
    settings = _PLAIN_SETTINGS.get(connection.dialect.name, [])
    for setting in settings:
        connection.exec_driver_sql(setting)
    statement = query.select(as_text=bool(settings))
    result = connection.execute(statement, execution_options={"stream_results": True, "yield_per": BATCH})
    for rows in result.partitions(BATCH):
        columns = zip(*rows, strict=True)
        yield pa.RecordBatch.from_arrays([_texts(list(column)) for column in columns], names=names)


def _texts(values: list[Any]) -> pa.Array:
    """A column as text: by Arrow where all values are of one kind, else value by value."""
    try:
        array = pa.array(values)
        if pa.types.is_decimal(array.type) or pa.types.is_temporal(array.type) or pa.types.is_binary(array.type):
            raise pa.ArrowInvalid("Arrow's notation differs from what people read in that database")
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)


def highest(batch: pa.RecordBatch, query: Query) -> str | int | None:
    """The largest believable value of the change column in a batch: whole numbers as numbers, else text."""
    values = batch.column(query.cursor)
    if isinstance(query.columns[str(query.cursor)], sa.Integer):
        values = pc.cast(values, pa.int64())
    if query.ceiling is not None:
        inside = pc.less_equal(values, query.ceiling)
        if isinstance(query.ceiling, str):
            inside = pc.and_(inside, pc.greater_equal(values, "0"))  # leaves out PostgreSQL's -infinity
        values = values.filter(inside)
    found: str | int | None = pc.max(values).as_py()
    return found
