"""What the dictionary says of a table and of a column, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

NUMBERS = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL")
SAME = frozenset({"pH", "PM2.5", "PM10"})  # what is the same word in both languages


@dataclass(frozen=True)
class Text:
    """The same thing in Chinese and in English, without a full stop at the end."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "en", self.en.strip().rstrip("."))
        object.__setattr__(self, "zh", self.zh.strip().rstrip("。"))


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another table."""

    column: str
    table: str
    target: str


@dataclass(frozen=True)
class Column:
    """`type` as DuckDB prints it; `empty` None: it is never NULL; `unit` None: it has none; `codes`: all values that
    it can hold, where they are few and known."""

    name: str
    type: str
    title: Text
    empty: Text | None
    unit: str | None = None
    codes: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None

    @property
    def measured(self) -> bool:
        """Whether it holds numbers, so that somebody must say in which unit."""
        return self.type.startswith(NUMBERS)


@dataclass(frozen=True)
class Table:
    """`key`: columns that together stand once; `part`: the platform or the hub's part that it belongs to."""

    name: str
    part: str
    title: Text
    grain: Text
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    warnings: tuple[Text, ...] = ()
    references: tuple[Reference, ...] = ()
    feed: str | None = None

    def column(self, name: str) -> Column:
        """The column of this name; KeyError without one."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def gaps(table: Table, unitless: frozenset[str]) -> Iterator[str]:
    """What the dictionary does not say yet of a table, in words; `unitless`: numbers that have no unit."""
    for what, text in (("title", table.title), ("grain", table.grain), *(("warning", item) for item in table.warnings)):
        yield from (f"{table.name}: no {what} in {language}" for language in _lacking(text))
    names = {column.name for column in table.columns}
    if not table.key:
        yield f"{table.name}: no key"
    yield from (f"{table.name}: the key names {name}, which is no column" for name in table.key if name not in names)
    for reference in table.references:
        if reference.column not in names:
            yield f"{table.name}: a reference names {reference.column}, which is no column"
    for column in table.columns:
        where = f"{table.name}.{column.name}"
        yield from (f"{where}: no description in {language}" for language in _lacking(column.title))
        if column.empty is not None:
            yield from (f"{where}: no null meaning in {language}" for language in _lacking(column.empty))
        if column.measured and not column.unit and column.name not in unitless:
            yield f"{where}: no unit"


def _lacking(text: Text) -> Iterator[str]:
    if not any("\u4e00" <= letter <= "\u9fff" for letter in text.zh) and text.zh not in SAME:
        yield "Chinese"
    if not text.en:
        yield "English"
