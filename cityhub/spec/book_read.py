"""The sheet back into a spec; what is wrong is told by cell, with what to type."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet
from pydantic import ValidationError

from cityhub.errors import Usage
from cityhub.spec.book import SHEET, TABLES, Place, columns, places
from cityhub.spec.book_cells import Wrong, from_cell
from cityhub.spec.feed import FeedSpec
from cityhub.spec.todo import filled

Path = tuple[str | int, ...]


@dataclass
class Form:
    """`data` as in a YAML file, `cells` path → cell, `problems` as they are found."""

    data: dict[str, Any] = field(default_factory=dict)
    cells: dict[Path, str] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)

    def wrong(self, cell: str, problem: str) -> None:
        """Note a problem of a cell."""
        self.problems.append({"cell": f"{SHEET}!{cell}", "problem": problem})


def read(body: bytes, file: str) -> dict[str, Any]:
    """The data of a workbook form; raises `Usage` CH-BOOK-001 (no such form), CH-BOOK-002 (problems, all of them on the
    error's `problems`, each with its cell)."""
    try:
        book = load_workbook(io.BytesIO(body), data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise Usage("CH-BOOK-001", file=file, detail=f"it is no .xlsx workbook ({error})") from None
    if SHEET not in book.sheetnames:
        raise Usage("CH-BOOK-001", file=file, detail=f"it has no sheet {SHEET}; there is {', '.join(book.sheetnames)}")
    sheet = book[SHEET]
    form = Form()
    _singles(sheet, form)
    for name in TABLES:
        _table(sheet, name, form)
    if not form.problems:
        _validate(form)
    if form.problems:
        first = form.problems[0]
        more = len(form.problems) - 1
        error_found = Usage("CH-BOOK-002", file=file, cell=first["cell"], problem=first["problem"], more=more or None)
        error_found.problems = form.problems  # type: ignore[attr-defined]  # printed by the command line
        raise error_found
    return form.data


def _singles(sheet: Worksheet, form: Form) -> None:
    found: dict[str, tuple[int, Any]] = {}
    for row in range(3, sheet.max_row + 1):
        key = sheet.cell(row, 5).value
        if str(sheet.cell(row, 1).value or "").startswith("▼"):
            break
        if key:
            found[str(key).strip()] = (row, sheet.cell(row, 3).value)
    kinds = {key: value for key, (_, value) in found.items() if key.endswith("kind") and value is not None}
    shape: dict[str, Any] = {}
    for key, value in sorted(kinds.items()):
        _set(shape, tuple(key.split(".")), str(value).strip())
    known = {".".join(place.path): place for place in places(shape)}
    for key, (row, value) in found.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        place = known.get(key)
        if place is None:
            form.wrong(
                f"C{row}", f"{key} does not belong to this kind of source: clear the cell, or choose another kind"
            )
            continue
        _take(form, place, place.path, value, f"C{row}")


def _take(form: Form, place: Place, path: Path, value: Any, cell: str) -> None:
    try:
        made = from_cell(value, place)
    except Wrong as wrong:
        form.wrong(cell, str(wrong))
        return
    _set(form.data, path, made)
    form.cells[path] = cell


def _set(data: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {}) if isinstance(data, dict) else data[step]
    data[path[-1]] = value


def _table(sheet: Worksheet, name: str, form: Form) -> None:
    start = next((r for r in range(1, sheet.max_row + 1) if _marker(sheet, r) == name), None)
    if start is None:
        return
    by_key = {place.path[0]: place for place in columns(name)}
    heads = {c: str(sheet.cell(start + 2, c).value or "").rpartition("\n")[2] for c in range(2, sheet.max_column + 1)}
    rows: list[tuple[int, dict[int, Any]]] = []
    for row in range(start + 3, sheet.max_row + 1):
        mark = str(sheet.cell(row, 1).value or "")
        if mark.startswith("▼"):
            break
        cells = {c: sheet.cell(row, c).value for c, key in heads.items() if key in by_key}
        if any(value is not None and str(value).strip() for value in cells.values()):
            rows.append((row, cells))
        if mark.startswith("▲"):
            break
    form.data[name] = {} if name == "fields" else []
    for number, (row, cells) in enumerate(rows):
        _entry(form, name, number, row, {heads[c]: (c, value) for c, value in cells.items()}, by_key)
    if not rows and name != "fields":
        del form.data[name]


def _entry(
    form: Form, name: str, number: int, row: int, cells: dict[str, tuple[int, Any]], by_key: dict[str, Place]
) -> None:
    at: Path = (name, number)
    if name == "fields":
        column, own = cells["name"]
        if own is None or not str(own).strip():
            form.wrong(f"{get_column_letter(column)}{row}", "the field has no name: type one in lower-case letters")
            return
        at = (name, str(own).strip())
        if at[1] in form.data[name]:
            form.wrong(f"{get_column_letter(column)}{row}", f"the name {at[1]} stands twice: choose another one")
            return
        form.data[name][at[1]] = {}
        form.cells[at] = f"{get_column_letter(column)}{row}"
    else:
        form.data[name].append({})
        form.cells[at] = f"B{row}"
    for key, (column, value) in cells.items():
        if key != "name" and value is not None and str(value).strip():
            _take(form, by_key[key], (*at, key), value, f"{get_column_letter(column)}{row}")


def _marker(sheet: Worksheet, row: int) -> str:
    text = str(sheet.cell(row, 1).value or "")
    return text.rpartition(" ")[2] if text.startswith("▼") else ""


def _validate(form: Form) -> None:
    try:
        FeedSpec.model_validate(filled(form.data))
    except ValidationError as error:
        for item in error.errors():
            loc = tuple(step for step in item["loc"] if not (isinstance(step, str) and step in _TAGS))
            problem = item["msg"].removeprefix("Value error, ")
            form.wrong(_cell(form, loc), f"{'.'.join(map(str, loc)) or 'the spec'}: {problem}")


# pydantic puts the chosen kind of a union into the place of an error.
_TAGS = {
    "rest", "database", "files", "workbook", "mqtt", "hj212", "jt808", "jt809", "none", "basic", "bearer", "login",
    "signature", "page", "offset", "cursor",
}  # fmt: skip


def _cell(form: Form, loc: Path) -> str:
    """The cell of a place or of what it belongs to; for a missing key, the first cell of its group."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in form.cells:
            return form.cells[loc[:length]]
    near = [cell for path, cell in form.cells.items() if loc and path[0] == loc[0]]
    return near[0] if near else "C3"
