"""The dictionary: every table and column carries a Chinese title and one English sentence as its comment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from warehouse.names import identifier, literal
from warehouse.tables import column_types

FILE = Path(__file__).parent / "dictionary.yaml"
PART = "dictionary"
# What a coded column can hold is said in its comment, up to this many values.
CODES_SHOWN = 12

Comments = dict[tuple[str, str], str]  # (table, column or "" for the table itself) → text

STORED = """
SELECT table_name, '' AS column_name, comment FROM duckdb_tables()
WHERE database_name = 'lake' AND schema_name = 'main'
UNION ALL
SELECT table_name, column_name, comment FROM duckdb_columns()
WHERE database_name = 'lake' AND schema_name = 'main'
ORDER BY 1, 2
"""


@cache
def _content(path: Path) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def core_comments(path: Path = FILE) -> Comments:
    """The comments of the hub's own tables."""
    found: Comments = {}
    for table, entry in _content(path)["tables"].items():
        found[table, ""] = _text(entry["zh"], entry["en"])
        found |= {(table, column): _text(zh, en) for column, (zh, en) in entry["columns"].items()}
    return found


def feed_comments(spec: FeedSpec, path: Path = FILE) -> Comments:
    """The comments of a feed's canonical table; a column that nothing describes is left out."""
    content = _content(path)
    found: Comments = {(spec.table, ""): _text(spec.title.zh, spec.description)}
    for column in column_types(spec):
        if column in content["hub_columns"]:
            found[spec.table, column] = _text(*content["hub_columns"][column])
        elif text := _field(column, spec.fields[column], content["fields"]):
            found[spec.table, column] = text
    return found


def _field(column: str, field: FieldSpec, common: dict[str, list[str]]) -> str | None:
    zh, en = common.get(column, (None, None))
    zh, en = field.title or zh, field.description or en
    if not (zh and en):
        return None
    kept = list(dict.fromkeys(field.codes.values()))
    if 1 < len(kept) <= CODES_SHOWN:
        en = f"{en.rstrip('.')}: {', '.join(kept)}"
    return _text(zh, en)


def _text(zh: str, en: str) -> str:
    return f"{zh} | {en.rstrip('.')}."


def apply(con: duckdb.DuckDBPyConnection, specs: Iterable[FeedSpec], path: Path = FILE) -> int:
    """Set the comments that differ from the lake's, in the caller's transaction; the number set."""
    wanted = core_comments(path)
    for spec in specs:
        wanted |= feed_comments(spec, path)
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
