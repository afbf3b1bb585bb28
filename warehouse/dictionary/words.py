"""The words that people wrote: titles and sentences in `../dictionary.yaml`, usage in `usage.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from warehouse.dictionary.entry import Reference, Text

FILE = Path(__file__).parent.parent / "dictionary.yaml"
USAGE = Path(__file__).parent / "usage.yaml"
NOTHING = Text("", "")


@dataclass(frozen=True)
class Words:
    """Both files, by what one asks them for. What is not there is an empty text: `entry.gaps` reports it."""

    content: Mapping[str, Any]
    usage: Mapping[str, Any]

    def table(self, name: str) -> Text:
        """Title of one of the hub's own tables."""
        entry = self.content["tables"].get(name, {})
        return Text(entry.get("zh", ""), entry.get("en", ""))

    def column(self, table: str, name: str) -> Text:
        """Title and sentence of a column of the hub's own tables."""
        return _pair(self.content["tables"].get(table, {}).get("columns", {}).get(name))

    def common(self, name: str) -> Text:
        """Of a column that every canonical table has, or that feeds have in common."""
        return _pair(self.content["hub_columns"].get(name) or self.content["fields"].get(name))

    def part(self, table: str) -> str:
        """The part of the hub that one of its tables belongs to."""
        return str(self._table(table).get("part", "system"))

    def grain(self, table: str) -> Text:
        """What a row is."""
        return _pair(self._table(table).get("grain"))

    def key(self, table: str) -> tuple[str, ...]:
        """Columns that together stand once."""
        return tuple(self._table(table).get("key", ()))

    def references(self, table: str) -> tuple[Reference, ...]:
        """Columns that name a row of another table."""
        refers = self._table(table).get("refers", {})
        return tuple(Reference(column, *target.split(".")) for column, target in refers.items())

    def warnings(self, table: str) -> tuple[Text, ...]:
        """What a naive query gets wrong."""
        stated = [*self._table(table).get("warnings", ()), *self.usage["warnings"].get(table, ())]
        return tuple(_pair(item) for item in stated)

    def empty(self, column: str, table: str | None = None) -> Text | None:
        """What NULL means there; None where nobody wrote it."""
        listed = self.usage["empty"] if table is None else self._table(table).get("empty", ())
        for columns, zh, en in listed:
            if column in columns:
                return Text(zh, en)
        return None

    def unit(self, table: str, column: str) -> str | None:
        """The unit of a column by its name: whole names first, then what its name ends with."""
        units = self.usage["units"]
        stated = units["tables"].get(f"{table}.{column}") or units["columns"].get(column)
        if stated:
            return str(stated)
        if column in units["points"]:
            return "分 | point"
        if column in units["ones"]:
            return "1"
        endings = [ending for ending in units["endings"] if column.endswith(ending)]
        return str(units["endings"][max(endings, key=len)]) if endings else None

    def rule(self, name: str, **values: str) -> Text:
        """A sentence that follows from a spec."""
        zh, en = self.usage["rules"][name]
        return Text(zh.format_map(values), en.format_map(values))

    def names(self, what: str) -> frozenset[str]:
        """`never` (empty), `counters`, or `none` (numbers without a unit)."""
        return frozenset(self.usage["units"]["none"] if what == "none" else self.usage[what])

    def _table(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.usage["tables"].get(name, {})
        return found


def _pair(stated: Iterable[str] | None) -> Text:
    return Text(*stated) if stated else NOTHING


@cache
def read(file: Path = FILE, usage: Path = USAGE) -> Words:
    """The words of the installation, parsed once."""
    yaml = YAML(typ="safe")
    return Words(yaml.load(file.read_text(encoding="utf-8")), yaml.load(usage.read_text(encoding="utf-8")))
