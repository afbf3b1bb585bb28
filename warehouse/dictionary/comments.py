"""The dictionary inside the warehouse: `COMMENT ON` every table and column, in the caller's transaction.

The first line is the Chinese title and the English sentence, ` | ` between them; the lines after it say grain and
key, what NULL means, and what misleads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.dictionary import feeds, hub
from warehouse.dictionary.entry import Column, Table, Text
from warehouse.names import identifier, literal

# What a coded column can hold is said in its comment, up to this many values.
CODES_SHOWN = 12

Comments = dict[tuple[str, str], str]  # (table, column or "" for the table itself) → text

STORED = """
SELECT table_name, '' AS column_name, comment FROM duckdb_tables()
WHERE database_name = 'lake' AND schema_name = 'main'
UNION ALL
SELECT view_name, '' AS column_name, comment FROM duckdb_views()
WHERE database_name = 'lake' AND schema_name = 'main' AND NOT internal
UNION ALL
SELECT table_name, column_name, comment FROM duckdb_columns()
WHERE database_name = 'lake' AND schema_name = 'main' AND NOT internal
ORDER BY 1, 2
"""


def comments(table: Table) -> Comments:
    """The comments of a table and its columns; what nothing describes is left out."""
    found: Comments = {}
    if table.title.zh and table.title.en:
        found[table.name, ""] = "\n".join(_of_table(table))
    for column in table.columns:
        if column.title.zh and column.title.en:
            found[table.name, column.name] = "\n".join(_of_column(column))
    return found


def _of_table(table: Table) -> Iterator[str]:
    yield _both("", "", table.title)
    if table.grain.en:
        yield _both("粒度：", "Grain: ", table.grain)
    if table.key:
        yield f"主键 Key: {', '.join(table.key)}"
    for warning in table.warnings:
        yield _both("注意：", "Note: ", warning)


def _of_column(column: Column) -> Iterator[str]:
    en = column.title.en
    if 1 < len(column.codes) <= CODES_SHOWN:
        en = f"{en}: {', '.join(column.codes)}"
    yield _both("", "", Text(column.title.zh, en))
    if column.unit:
        yield f"单位 Unit: {column.unit}"
    yield "不为空 Never empty." if column.empty is None else _both("空值：", "Empty: ", column.empty)


def _both(zh: str, en: str, text: Text) -> str:
    return f"{zh}{text.zh} | {en}{text.en}."


def core_comments() -> Comments:
    """The comments of the hub's own tables."""
    return {key: text for table in hub.tables().values() for key, text in comments(table).items()}


def feed_comments(spec: FeedSpec) -> Comments:
    """The comments of a feed's canonical table."""
    return comments(feeds.table(spec))


def apply(con: duckdb.DuckDBPyConnection, specs: Iterable[FeedSpec]) -> int:
    """Set the comments that differ from the lake's, in the caller's transaction; the number set."""
    wanted = core_comments()
    for spec in specs:
        wanted |= feed_comments(spec)
    stored: Comments = {(table, column): text or "" for table, column, text in con.execute(STORED).fetchall()}
    changed = {key: text for key, text in wanted.items() if stored.get(key, text) != text}
    for (table, column), text in changed.items():
        # COMMENT takes no parameters.
        what = f"COLUMN {identifier(table)}.{identifier(column)}" if column else f"TABLE {identifier(table)}"
        con.execute(f"COMMENT ON {what} IS {literal(text)}")
    return len(changed)


def missing(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables and columns of the lake without a description, as `table` or `table.column`."""
    rows = con.execute(STORED).fetchall()
    return [f"{table}.{column}" if column else table for table, column, text in rows if not (text or "").strip()]
