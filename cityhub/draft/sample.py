"""What was seen of a source: a few of its records and what its transport looks like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
Flat = dict[str, str | None]


@dataclass(frozen=True)
class Sample:
    """`source` is the part of the spec with that name, `notes` say why its values were guessed (by path inside it).

    `rows` are records as received; `types` and `key` are what the source itself declares (a database); `name` is the
    table, file or last part of the address; `total` the number of records where the source tells it.
    """

    source: dict[str, Any]
    rows: tuple[dict[str, Any], ...]
    name: str
    notes: Mapping[Path, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    total: int | None = None

    @property
    def decimal(self) -> str:
        """The decimal sign of numbers in texts."""
        return str(self.source.get("decimal", "."))


def flat(row: Mapping[str, Any]) -> Flat:
    """A record as texts by dotted path, as the load reads it; lists stay JSON."""
    found: Flat = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and value and "." not in name:
            found.update({f"{name}.{inner}": text for inner, text in flat(value).items()})
        else:
            found[name] = _text(value)
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def columns(rows: Iterable[Flat]) -> dict[str, list[str | None]]:
    """Column → its texts, in the order in which columns first appear; a row without it gives None."""
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    return {name: [row.get(name) for row in listed] for name in names}
