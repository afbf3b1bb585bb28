"""What must hold at any moment, also after a `kill -9`: nothing half, nothing twice, every row accounted for."""

from __future__ import annotations

from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from scoring.publish import publications, verify
from warehouse import lake
from warehouse.names import identifier, identifiers

SUMS = "landed IS NOT NULL AND landed <> loaded + duplicate + quarantined"


def faults(settings: Settings) -> list[str]:
    """Sentences about what does not hold; none for a sound hub, and none where nothing has been made yet."""
    try:
        con = lake.connect(settings, read_only=True)
    except Stop as nothing_yet:
        return [] if nothing_yet.code == "CH-LAKE-003" else [str(nothing_yet)]
    found: list[str] = []
    try:
        con.execute("BEGIN")
        tables = {
            row[0]
            for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
        }
        for table in {"delivery", "load_log"} & tables:
            bad = con.execute(f"SELECT count(*) FROM {table} WHERE {SUMS}").fetchall()[0][0]
            found += [f"{table}: {bad} lines do not add up"] if bad else []
        for spec in read_good(settings.feeds)[0].values():
            if spec.table in tables:
                keys = identifiers(spec.identity.key)
                sql = f"SELECT count(*) - count(DISTINCT ({keys})) FROM {identifier(spec.table)}"
                twice = con.execute(sql).fetchall()[0][0]
                found += [f"{spec.table}: {twice} keys stand twice"] if twice else []
    finally:
        con.close()
    for publication in publications(settings) if settings.publications.is_dir() else []:
        checked = verify(settings, publication.number)
        found += [] if checked.ok else [f"publication {publication.number}: {'; '.join(checked.lines)}"]
    return found
