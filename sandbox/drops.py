"""Files that vendors put into a folder and the workbook that the assessment office fills in.

`write` makes them for the sandbox's day; `ensure_day` for others, before a backfill. A file appears under its
name only when it is complete.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from cityhub.clock import month_of
from sandbox import platforms, xlsx
from sandbox.dataset import Drop, build
from sandbox.platforms import assessment
from sandbox.world import World

FULL_WIDTH = str.maketrans("0123456789.-", "０１２３４５６７８９．－")
GARBAGE = "<!DOCTYPE html><html><body>会话已过期,请重新登录</body></html>".encode()


class Drops(dict[str, str]):
    """The folders by address name: `drop_dir` (vendors) and `manual_dir` (workbooks)."""

    def __init__(self, world: World, home: Path) -> None:
        self.world = world
        self.folder, self.manual = home / "drop", home / "manual"
        self._written: set[date] = set()
        super().__init__(drop_dir=str(self.folder), manual_dir=str(self.manual))

    def ensure_day(self, day: date) -> None:
        """The files of a day; a day after the sandbox's own has none yet. Again is free."""
        if day > self.world.day or day in self._written:
            return
        world = self.world if day == self.world.day else self.world.on(day)
        for name in platforms.names():
            module = platforms.load(name)
            for dataset, drop in getattr(module, "DROPS", {}).items():
                body = _body(world, name, dataset, drop)
                if body is not None:
                    _put(self.folder / file_name(drop.name, day), body)
        self._workbook(world, day)
        self._written.add(day)

    def _workbook(self, world: World, day: date) -> None:
        if world.plan.has("assessment", "dead") is not None:
            return
        # One workbook a month: a backfilled day must not take away what the newer day already holds.
        if any(month_of(other) == month_of(day) and other > day for other in self._written):
            return
        _put(
            self.manual / file_name(assessment.WORKBOOK, day),
            xlsx.scores(platforms.datasets("assessment", world)),
        )


def write(world: World, home: Path) -> Drops:
    """All files of the sandbox's day below `home`; the result names the folders."""
    drops = Drops(world, home)
    for folder in (drops.folder, drops.manual):
        folder.mkdir(parents=True, exist_ok=True)
    drops.ensure_day(world.day)
    return drops


def file_name(pattern: str, day: date) -> str:
    """`{day}` → 20261120, `{month}` → 2026-11."""
    return pattern.format(day=f"{day:%Y%m%d}", month=month_of(day))


def _body(world: World, platform: str, name: str, drop: Drop) -> bytes | None:
    """The file's bytes; None where the platform plays dead."""
    dataset = platforms.load(platform).DATASETS[name]
    feed = dataset.feed
    if world.plan.has(feed, "dead") is not None:
        return None
    if world.plan.has(feed, "garbage") is not None:
        return GARBAGE
    table = build(world, name, dataset)
    encoding = world.plan.has(feed, "encoding") or drop.encoding
    drop = replace(drop, encoding=encoding, bom=drop.bom or world.plan.has(feed, "bom") is not None)
    body = xlsx.drop_sheet(table, drop.sheet or "Sheet1", drop.title) if drop.format == "xlsx" else _csv(table, drop)
    return body[: len(body) * 2 // 3] if world.plan.strikes(feed, "truncated") else body


def _csv(table: pa.Table, drop: Drop) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=drop.delimiter, lineterminator="\r\n")
    if drop.title:
        writer.writerow([drop.title])
    writer.writerow(table.column_names)
    writer.writerows(zip(*(_texts(table[name].to_pylist(), name, drop) for name in table.column_names), strict=True))
    return ("\ufeff" if drop.bom else "").encode(drop.encoding) + text.getvalue().encode(drop.encoding)


def _texts(values: Sequence[object], name: str, drop: Drop) -> Iterable[str]:
    """Cells as the vendor writes them; a decimal comma brings thousands spaces and N/A for nothing."""
    blank = "N/A" if drop.decimal == "," else ""
    texts = [_text(value, drop.decimal, blank) for value in values]
    return [text.translate(FULL_WIDTH) for text in texts] if name in drop.full_width else texts


def _text(value: object, decimal: str, blank: str) -> str:
    if value is None:
        return blank
    if isinstance(value, float):
        plain = f"{value:,.10g}"
        return plain.replace(",", " ").replace(".", ",") if decimal == "," else plain.replace(",", "")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _put(path: Path, body: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(body)
    part.replace(path)
