"""What stands in a hub of one feed, in a form that can be compared: all tables, sorted, or all bytes."""

from __future__ import annotations

import hashlib

from cityhub.spec.feed import FeedSpec
from conformance.hub import Hub
from warehouse.names import identifier, identifiers, literal

Dump = dict[str, list[str]]
# Ids and moments of a run, and what depends on the name and address under which a trial runs.
STAMPS = {"_load_id", "_received_at"}
OF_A_RUN = {
    "id", "load_id", "loads", "landing_folder", "content_sha256", "spec_sha256", "feed", "table_name",
    "run_id", "state_by", "last_load_id",
}  # fmt: skip


def canonical(hub: Hub, spec: FeedSpec, *, of_feed: str, only: str | None = None) -> Dump:
    """All rows of a feed but for ids and moments of runs, as JSON; the trial's own name reads as the feed's, and its
    own table stands under the empty name. `only` one table."""
    chosen: dict[str, tuple[str, list[str]]] = {}
    for table, (where, of) in hub.tables_of(spec).items():
        own = table == spec.table
        if only in {None, table}:
            hidden = STAMPS if own else OF_A_RUN
            names = [name for name, kind in of.items() if name not in hidden and (own or "TIMESTAMP" not in kind)]
            chosen[table] = where, names
    found = _read(hub, chosen)
    return {
        "" if table == spec.table else table: sorted(
            row.replace(spec.feed, of_feed).replace(spec.table, "") for row in rows
        )
        for table, rows in found.items()
    }


def everything(hub: Hub, spec: FeedSpec) -> Dump:
    """All rows of a feed with all columns."""
    return _read(hub, {table: (where, list(of)) for table, (where, of) in hub.tables_of(spec).items()})


def _read(hub: Hub, tables: dict[str, tuple[str, list[str]]]) -> Dump:
    """Rows as JSON, in one statement: each one alone would look the catalog up."""
    if not tables:
        return {}
    selects = [
        f"SELECT {literal(table)}, CAST(to_json(t) AS VARCHAR) FROM"
        f" (SELECT {identifiers(names)} FROM {identifier(table)} WHERE {where}) AS t"
        for table, (where, names) in tables.items()
    ]
    found: Dump = {}
    for table, row in hub.rows(" UNION ALL ".join(selects) + " ORDER BY ALL"):
        found.setdefault(table, []).append(row)
    return found


def landed_bytes(hub: Hub, spec: FeedSpec) -> dict[str, str]:
    """Each file of a feed in landing with its sha256."""
    folder = hub.settings.landing / spec.feed
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def difference(before: Dump, after: Dump) -> str | None:
    """The first table in which two dumps differ, with the numbers of rows; None when they are equal."""
    for table in sorted({*before, *after}):
        one, other = before.get(table, []), after.get(table, [])
        if one != other:
            name = table or "the feed's own table"
            gone, new = [row for row in one if row not in other], [row for row in other if row not in one]
            shown = "; ".join(f"{word} {_shown(rows[0])}" for word, rows in (("without", gone), ("with", new)) if rows)
            return f"{name} has {len(other)} rows instead of {len(one)}, {shown or 'in another number'}"
    return None


def _shown(row: str) -> str:
    return row if len(row) <= 200 else f"{row[:200]}…"
