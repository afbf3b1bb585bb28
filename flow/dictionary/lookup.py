"""One entry of the dictionary: a table, a column of it, or an indicator."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from typing import Any

from cityhub.errors import Usage
from flow.dictionary import indicators, pages
from flow.dictionary.whole import Whole
from warehouse.dictionary.comments import comments


@dataclass(frozen=True)
class Entry:
    """What is shown to people, and the same for programs."""

    lines: tuple[str, ...]
    as_dict: dict[str, Any]


def entry(found: Whole, name: str) -> Entry:
    """The entry of `TABLE`, `TABLE.COLUMN` or an indicator's code; raises `Usage` CH-DICT-001 with what is near."""
    for definition in found.definitions:
        if definition.code == name.upper():
            lines = list(indicators.described(definition))
            return Entry(tuple(lines), definition.model_dump(mode="json"))
    table_name, _, column_name = name.partition(".")
    for table in (*found.tables, *found.published):
        if table.name != table_name:
            continue
        said = comments(table)
        if column_name and (table.name, column_name) in said:
            return Entry(tuple(said[table.name, column_name].splitlines()), asdict(table.column(column_name)))
        if not column_name:
            return Entry(tuple(pages.described(table, found.specs.get(table.name))), asdict(table))
    raise Usage("CH-DICT-001", name=name, near=", ".join(_near(found, name)) or "nothing")


def _near(found: Whole, name: str) -> list[str]:
    known = [table.name for table in found.tables] + [item.code for item in found.definitions]
    known += [f"{table.name}.{column.name}" for table in found.tables for column in table.columns]
    tried = dict.fromkeys([name, name.lower(), name.upper()])
    return list(dict.fromkeys(near for text in tried for near in difflib.get_close_matches(text, known, 4, 0.6)))
