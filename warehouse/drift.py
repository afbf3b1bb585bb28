"""What a delivery's columns say against the spec: added and missing ones, and a likely new name for a missing one."""

from __future__ import annotations

import difflib

import duckdb

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier
from warehouse.readers.job import top


def findings(con: duckdb.DuckDBPyConnection, spec: FeedSpec, columns: tuple[str, ...], rows: int) -> list[str]:
    """`column_added:<name>` and `column_missing:<name>` for the staged delivery.

    Only first records are looked at for names, so a column counts as missing when no row has a value of it.
    Raises `Stop` CH-LOAD-004 when that column is required: every row would go to quarantine, which is no
    matter of rows.
    """
    if not columns or not rows:
        return []
    wanted = {top(field.source) for field in spec.fields.values()} | {field.source for field in spec.fields.values()}
    # Names with `_` in front are the hub's own (topic and time of a message, cell of a workbook).
    added = [name for name in columns if name not in wanted and not name.startswith("_")]
    suspects = {
        name: field
        for name, field in spec.fields.items()
        if top(field.source) not in columns and field.source not in columns
        and field.personal != "drop" and field.source.lower() not in {column.lower() for column in columns}
    }  # fmt: skip
    missing: list[str] = []
    if suspects:
        counts = ", ".join(f"count({identifier(name)})" for name in suspects)
        found = con.execute(f"SELECT {counts} FROM temp.hub_stage").fetchone() or ()
        for (name, field), count in zip(suspects.items(), found, strict=True):
            if count:
                continue
            if field.required or name in spec.identity.key or name == spec.identity.day_from:
                raise Stop(
                    "CH-LOAD-004",
                    feed=spec.feed,
                    column=field.source,
                    field=name,
                    unknown=", ".join(added) or "none",
                    likely=likely(field.source, name, added) or "the new name",
                )
            missing.append(field.source)
    # A source that two fields read is one column.
    return [f"column_added:{name}" for name in added] + [f"column_missing:{name}" for name in dict.fromkeys(missing)]


def likely(source: str, name: str, added: list[str]) -> str | None:
    """Which of the new columns is most like a missing one, by its own name or by ours; the only new one if one."""
    if len(added) == 1:
        return added[0]
    plain = {_plain(item): item for item in added}
    for word in (source, name):
        near = difflib.get_close_matches(_plain(word), list(plain), 1, cutoff=0.5)
        if near:
            return plain[near[0]]
    return None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
