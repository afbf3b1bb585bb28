"""Small tables in memory while a run lasts: registers and events are asked dozens of times a day, and each question to
the lake costs ten times what it costs to read a few thousand rows.

Rows that a load brings meanwhile are not in them: a run keeps tables after it has read the marks of changed days, so
the mark of such a load stays for the next run.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from indicators import views
from warehouse.names import identifier

ROWS = 200_000  # of one table
ROWS_IN_ALL = 1_000_000

_SIZES = """
SELECT table_name, estimated_size FROM duckdb_tables()
WHERE database_name = 'lake' AND schema_name = 'main' AND estimated_size <= $rows ORDER BY estimated_size, table_name
"""


def keep(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> list[str]:
    """Put the small ones of `tables` into memory, of one snapshot, behind the names that definitions use."""
    wanted = set(tables)
    chosen: list[str] = []
    total = 0
    con.execute("BEGIN")
    try:
        for table, rows in con.execute(_SIZES, {"rows": ROWS}).fetchall():
            if table in wanted and total + rows <= ROWS_IN_ALL:
                chosen.append(table)
                total += rows
        views.create(con, chosen)
        for table in chosen:
            name, copy = identifier(table), identifier(f"kept_{table}")
            con.execute(f"CREATE OR REPLACE TEMP TABLE {copy} AS SELECT * FROM {name}")
            con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {copy}")
    finally:
        con.execute("COMMIT")
    return chosen
