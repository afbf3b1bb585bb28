"""Make the warehouse ready: schema, reference data, canonical tables, descriptions. Idempotent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from cityhub import log
from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import dictionary, lake, reference, tables
from warehouse.migrate import migrate
from warehouse.prepared import digest, stamp, stamps

logger = log.get("cityhub.warehouse")
PART = "tables"
FOLDER = Path(__file__).parent
# What tables and comments depend on.
SHAPE = {"feed", "title", "platform", "table", "description", "fields", "location", "identity", "unit"} | {
    "arrives", "watch", "retention",
}  # fmt: skip


def prepare(settings: Settings, specs: Mapping[str, FeedSpec] | Iterable[FeedSpec]) -> dict[str, HubError]:
    """Bring the lake to what migrations, reference files and specs say; nothing is written when it is there.

    Gives feed → error for the feeds whose table cannot follow their spec (CH-TABLE-…); all others are ready,
    so one broken feed leaves the night to them. Raises `Stop` CH-LAKE-005, CH-REF-001, `Retry` CH-LAKE-002.
    """
    every = list(specs.values()) if isinstance(specs, Mapping) else list(specs)
    con = lake.connect(settings)
    try:
        migrate(con, settings)
        reference.load(con, settings)
        content = _content(every)
        if stamps(con).get(PART) == content:
            return {}
        with lake.write(con, settings, "canonical tables and descriptions"):
            problems = _tables(con, every)
            dictionary.apply(con, [spec for spec in every if spec.feed not in problems])
            if not problems:
                stamp(con, PART, content)
        return problems
    finally:
        con.close()


def _tables(con: duckdb.DuckDBPyConnection, specs: list[FeedSpec]) -> dict[str, HubError]:
    problems: dict[str, HubError] = {}
    for spec in specs:
        try:
            tables.ensure(con, spec)
        except HubError as error:
            problems[spec.feed] = error
            log.event(logger, "table refused", feed=spec.feed, code=error.code)
    return problems


def _content(specs: list[FeedSpec]) -> str:
    """Digest of all that tables and comments are made from, the code included."""
    files = [FOLDER / "tables.py", *dictionary.FILES]
    parts = [path.read_bytes() for path in files]
    for spec in sorted(specs, key=lambda spec: spec.feed):
        parts.append(spec.model_dump_json(include=SHAPE).encode())
    return digest(parts)
