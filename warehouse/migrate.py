"""The hub's own tables: `migrations/NNN_*.sql`, applied in order, never twice.

One transaction each; an empty lake gets all of them in one: a commit costs a tenth of a second.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from cityhub.errors import Stop
from cityhub.settings import Settings
from warehouse import lake
from warehouse.names import literal

FOLDER = Path(__file__).parent / "migrations"


def migrations(folder: Path = FOLDER) -> list[tuple[int, Path]]:
    """Number and file of each migration, ascending; the numbers run 1, 2, 3 … without a gap."""
    found = sorted((int(path.name.split("_")[0]), path) for path in folder.glob("[0-9][0-9][0-9]_*.sql"))
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations in {folder} are not numbered 001, 002, 003 … once each")
    return found


def version(con: duckdb.DuckDBPyConnection) -> int:
    """The schema version of the lake, 0 for an empty one."""
    try:  # asking the catalog which tables there are takes ten times as long
        rows = con.execute("SELECT version FROM lake.schema_version").fetchall()
    except duckdb.CatalogException:
        return 0
    return max((int(row[0]) for row in rows), default=0)


def demand_current(con: duckdb.DuckDBPyConnection) -> None:
    """Raise `Stop` CH-LAKE-008 for a warehouse that an older version wrote: its tables lack columns."""
    known, found = len(migrations()), version(con)
    if 0 < found < known:
        raise Stop("CH-LAKE-008", found=found, known=known)


def migrate(con: duckdb.DuckDBPyConnection, settings: Settings, *, folder: Path = FOLDER) -> int:
    """Bring the lake to the newest schema and return its version; nothing is written when it is there.

    Raises `Stop` CH-LAKE-005 when the lake is newer than this code. Safe when several processes start at
    once: the version is read again under the lock of the lake. `con` must not be inside a transaction.
    """
    steps = migrations(folder)
    newest = steps[-1][0]
    found = version(con)
    for batch in [steps] if found == 0 else [[step] for step in steps[found:]]:
        with lake.write(con, settings, f"migration {batch[-1][1].name}"):
            found = version(con)
            for number, path in batch[max(0, found - batch[0][0] + 1) :]:
                con.execute(path.read_text(encoding="utf-8"))
                con.execute(f"INSERT INTO schema_version VALUES ({number}, {literal(path.stem)}, current_timestamp)")
                found = number
    if found > newest:
        raise Stop("CH-LAKE-005", found=found, known=newest)
    return found
