"""What has to hold of a restored installation beyond its files: it opens, and what was published is what it was."""

from __future__ import annotations

from contextlib import closing

from cityhub.errors import HubError
from cityhub.settings import Settings
from scoring.publication.manifest import current
from scoring.publication.verify import verify
from warehouse import lake, migrate


def problems(settings: Settings) -> list[str]:
    """Every table can be counted, and the current publication verifies; what does not, in words."""
    found = []
    with closing(lake.connect(settings, read_only=True)) as con:
        if migrate.version(con) == 0:
            found.append("the warehouse has no tables")
        tables = con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = 'main'"
            " AND NOT starts_with(table_name, 'ducklake_') ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            con.execute(f'SELECT count(*) FROM lake.main."{table}"')
    if current(settings.publications) is not None:
        try:
            found += [f"publication: {problem}" for problem in verify(settings).problems]
        except HubError as error:
            found.append(error.text().splitlines()[0])
    return found
