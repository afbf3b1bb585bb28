"""The notice as a sequence of blocks, the same for paper and for a word processor; all texts are data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Cell:
    """A cell's text; `mark` shows that it is missing or provisional."""

    text: str
    mark: Literal["", "missing", "provisional"] = ""


@dataclass(frozen=True)
class Column:
    """A column: its title, its share of the width, how its cells stand."""

    title: str
    width: float
    align: Align = "center"


@dataclass(frozen=True)
class Heading:
    """`level` 1: 一、 2: （一）."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `style` plain, address (no indent), notice (framed), note (small, under a table), blank (a line to
    be filled in by hand, at the right)."""

    text: str
    style: Literal["plain", "address", "notice", "note", "blank"] = "plain"


@dataclass(frozen=True)
class Table:
    """A table whose head is repeated on each page."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


Block = Heading | Paragraph | Table


@dataclass(frozen=True)
class Appendix:
    """An appendix, on pages of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Notice:
    """The whole. `title` has a part a line; `mark` is the status (暂定, 定稿, 更正); `head` and `foot` stand on each
    page; `at` is the moment of the publication: every format carries it as its time of making."""

    title: tuple[str, ...]
    subtitle: str
    mark: str
    head: str
    foot: str
    at: datetime
    blocks: tuple[Block, ...]
    appendices: tuple[Appendix, ...] = field(default_factory=tuple)
