"""Writing the dictionary's files, and saying which of them are stale."""

from __future__ import annotations

from pathlib import Path

from cityhub.files import keep_text
from flow.dictionary import indicators, pages
from flow.dictionary.whole import Whole
from warehouse.dictionary import frictionless
from warehouse.dictionary.entry import Text

PACKAGE = "datapackage.json"
TITLE = Text("杞县城市综合管理服务平台数据仓库", "Warehouse of the city management hub")
ABOUT = Text(
    "每张表一个资源；路径是导出时的文件名，如 cityhub sql 'FROM unit' --csv > unit.csv",
    "One resource a table; paths are where an export goes, such as cityhub sql 'FROM unit' --csv > unit.csv",
)


def files(found: Whole) -> dict[str, str]:
    """File name → content of everything that `cityhub dictionary` writes."""
    made = {pages.INDEX: pages.index(found)}
    for part in found.parts:
        if found.of_part(part):
            made[f"{part}.md"] = pages.page(found, part)
        if any(item.platform == part for item in found.definitions):
            made[f"{part}-indicators.md"] = indicators.page(found, part)
    names = {table.name for table in found.tables}
    resources = [frictionless.resource(table, among=names) for table in found.tables]
    package = frictionless.package("cityhub-warehouse", TITLE, ABOUT, resources)
    return made | {PACKAGE: frictionless.text(package) + "\n"}


def write(found: Whole, folder: Path) -> list[str]:
    """Bring the folder to what specs and definitions say now; the names of what was written or removed."""
    made = files(found)
    gone = _strangers(folder, made)
    for name in gone:
        (folder / name).unlink()
    return [name for name, text in made.items() if keep_text(folder / name, text)] + gone


def stale(found: Whole, folder: Path) -> list[str]:
    """What `write` would change, and what nobody has described; empty when all is well."""
    made = files(found)
    lines = [
        f"{folder / name}: {'out of date' if (folder / name).is_file() else 'not there'}"
        for name, text in made.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    return [
        *lines,
        *(f"{folder / name}: describes nothing any more" for name in _strangers(folder, made)),
        *found.gaps(),
    ]


def _strangers(folder: Path, made: dict[str, str]) -> list[str]:
    """Pages that an earlier version made and this one does not; files that people wrote are left alone."""
    if not folder.is_dir():
        return []
    pages_there = [path for path in sorted(folder.glob("*.md")) if path.name not in made]
    return [path.name for path in pages_there if path.read_text(encoding="utf-8").startswith(pages.MADE)]
