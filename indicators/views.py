"""What definitions read: a view per table with plain numbers beside each time stamp.

Besides the table's own columns analysts may use, for every TIMESTAMPTZ column `c`:
`c_ms` BIGINT (epoch milliseconds), `c_hour` INTEGER (0 to 23, Asia/Shanghai), `c_day_id` INTEGER (yyyymmdd);
and `day_id` INTEGER for `service_day`. `hour_of_day(hour_no)` holds the hours 0 to 23;
`working_span(day_id, start_ms, end_ms)` the office hours of every working day, for what is counted in working time.
Measured values (DOUBLE in the tables) are DECIMAL(18, 6) here, so that sums do not depend on the order of rows;
definitions cast intermediate means and powers likewise before they add them up.
The time stamps themselves are left to people: functions over them differ between engines.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import duckdb

from warehouse import reference

# Asia/Shanghai has been UTC+8 without summer time since 1991: plain arithmetic is exact.
_COLUMN = """
epoch_ms("{c}") AS "{c}_ms",
CAST(((epoch_ms("{c}") + 28800000) // 3600000) % 24 AS INTEGER) AS "{c}_hour",
CAST(strftime(make_timestamp((epoch_ms("{c}") + 28800000) * 1000), '%Y%m%d') AS INTEGER) AS "{c}_day_id"
"""
_DAY = "year({c}) * 10000 + month({c}) * 100 + day({c}) AS day_id"

# Sums of DOUBLE depend on the order of rows, so the same rows could give two values; sums of DECIMAL do not.
EXACT = "DECIMAL(18, 6)"

# Quantiles differ in name and in interpolation between engines: the one shim that a second engine needs.
# Of doubles: that of decimals cuts off between two values (5.7 came out as 5.699999).
_SHIM = "CREATE OR REPLACE TEMP MACRO p95(x) AS quantile_cont(CAST(x AS DOUBLE), 0.95)"

# A table of hours instead of generate_series, which has another name on every engine.
_HOURS = "CREATE OR REPLACE TEMP VIEW hour_of_day AS SELECT CAST(range AS INTEGER) AS hour_no FROM range(24)"

_WORKING = """
CREATE OR REPLACE TEMP VIEW working_span AS
SELECT c.day_id, epoch_ms(CAST(c.day AS TIMESTAMP)) - 28800000 + s.from_min * 60000 AS start_ms,
       epoch_ms(CAST(c.day AS TIMESTAMP)) - 28800000 + s.to_min * 60000 AS end_ms
FROM lake.main.calendar_day AS c, (VALUES {spans}) AS s(from_min, to_min)
WHERE c.working
"""

_COLUMNS = """
SELECT table_name, column_name, data_type FROM duckdb_columns()
WHERE database_name = 'lake' AND schema_name = 'main' ORDER BY table_name, column_index
"""


def create(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> set[str]:
    """Create the views of `tables` over the database `lake`; gives the names that do not exist there."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in con.execute(_COLUMNS).fetchall():
        columns.setdefault(table, []).append((column, kind))
    con.execute(_SHIM)
    con.execute(_HOURS)
    con.execute(_WORKING.format(spans=", ".join(f"({start}, {end})" for start, end in _office())))
    absent = set()
    for table in sorted(set(tables)):
        if table not in columns:
            absent.add(table)
            continue
        extra = [_COLUMN.format(c=name) for name, kind in columns[table] if kind == "TIMESTAMP WITH TIME ZONE"]
        if any(name == "service_day" for name, _ in columns[table]):
            extra.append(_DAY.format(c="service_day"))
        exact = [f'TRY_CAST("{name}" AS {EXACT}) AS "{name}"' for name, kind in columns[table] if kind == "DOUBLE"]
        wanted = ", ".join([f"* REPLACE ({', '.join(exact)})" if exact else "*", *extra])
        con.execute(f'CREATE OR REPLACE TEMP VIEW "{table}" AS SELECT {wanted} FROM lake.main."{table}"')
    return absent


@cache
def _office() -> list[tuple[int, int]]:
    return reference.office_minutes()
