"""What registries said, and from which service day to which: which truck carried a terminal on the day of a position.

A registry's table holds the present only. For the columns that `identity.history` names, every value of every key is
kept with the days for which it held. A delivery that came after a newer one changes nothing here.
"""

from __future__ import annotations

from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier

_CURRENT = """
CREATE OR REPLACE TEMP TABLE hub_said AS
SELECT key, column_name, value FROM (SELECT {key} AS key, {columns} FROM {table})
UNPIVOT (value FOR column_name IN ({names}))
"""
_ENDED = """
WHERE table_name = $table AND valid_to IS NULL
 AND NOT EXISTS (SELECT 1 FROM temp.hub_said AS s WHERE s.key = registry_history.key
   AND s.column_name = registry_history.column_name AND s.value = registry_history.value)
"""
_BEGIN = """
INSERT INTO registry_history (table_name, key, column_name, value, valid_from, load_id)
SELECT $table, s.key, s.column_name, s.value, $day, $load_id FROM temp.hub_said AS s
WHERE NOT EXISTS (SELECT 1 FROM registry_history AS h WHERE h.table_name = $table AND h.valid_to IS NULL
  AND h.key = s.key AND h.column_name = s.column_name AND h.value = s.value)
"""


def record(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, load_id: str) -> None:
    """Bring the history of a feed to what its table says now, inside the caller's transaction. Columns that the spec
    no longer names end on that day; empty values are no values."""
    names = spec.identity.history
    if names:
        key = " || '|' || ".join(f"CAST({identifier(name)} AS VARCHAR)" for name in spec.identity.key)
        columns = ", ".join(f"CAST({identifier(name)} AS VARCHAR) AS {identifier(name)}" for name in names)
        listed = ", ".join(identifier(name) for name in names)
        con.execute(_CURRENT.format(key=key, columns=columns, table=identifier(spec.table), names=listed))
    else:
        known = con.execute("SELECT 1 FROM registry_history WHERE table_name = $table LIMIT 1", {"table": spec.table})
        if known.fetchone() is None:
            return
        con.execute("CREATE OR REPLACE TEMP TABLE hub_said (key VARCHAR, column_name VARCHAR, value VARCHAR)")
    values = {"table": spec.table, "day": day}
    ended = con.execute(f"SELECT 1 FROM registry_history {_ENDED} LIMIT 1", {"table": spec.table}).fetchone()
    if ended is not None:
        # what began on this very day never held at a day's end
        con.execute(f"DELETE FROM registry_history {_ENDED} AND valid_from >= $day", values)
        con.execute(f"UPDATE registry_history SET valid_to = $day {_ENDED}", values)
    con.execute(_BEGIN, {**values, "load_id": load_id})
