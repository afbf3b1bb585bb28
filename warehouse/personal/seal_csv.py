"""CSV with its personal cells sealed: lines stay lines, other cells keep their text, quotes included.

A line that is no row (another number of cells, a quote that never ends) would become a reject with its text; since
nobody can say where the personal part of it stands, a line lands in its place that is no row either.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from warehouse.personal.seal import WITHHELD, Seal, withheld

MAX_RECORD = 1 << 20
_END = re.compile(r"\r\n|\r|\n")


class CsvSealer:
    """Seals the text of one file. `seals` goes by position; the header has been read by the caller."""

    def __init__(self, delimiter: str, key: str) -> None:
        self.delimiter, self.key = delimiter, key
        d = re.escape(delimiter)
        self._field = re.compile(rf'"(?:[^"]++|"")*+"|[^{d}"\r\n][^{d}\r\n]*+|')
        self._record = re.compile(rf"(?>{self._field.pattern})(?:{d}(?>{self._field.pattern}))*+(?=[\r\n]|\Z)")

    def header(self, text: str, row: int) -> list[str]:
        """Cells of the header row, as the reader takes them; empty when there is none."""
        for number, (record, _) in enumerate(self._records(text), 1):
            if number == row:
                return next(csv.reader(io.StringIO(record, newline=""), delimiter=self.delimiter), [])
        return []

    def seal(self, text: str, row: int, seals: dict[int, Seal], width: int) -> str:
        """The file with the cells at these positions sealed; titles above the header go."""
        out: list[str] = []
        for number, (record, end) in enumerate(self._records(text), 1):
            if number < row:
                out.append((WITHHELD if record else "") + end)
            elif number == row or not record:
                out.append(record + end)
            else:
                out.append(self._row(record, seals, width) + end)
        return "".join(out)

    def _row(self, record: str, seals: dict[int, Seal], width: int) -> str:
        cells = self._cells(record)
        if cells is None or len(cells) != width:
            # One cell is no row of several, two are no row of one.
            return withheld(self.key, record) + (self.delimiter if width == 1 else "")
        for position, seal in seals.items():
            cell = cells[position]
            plain = cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell
            sealed = seal(plain)
            if sealed != plain:
                cells[position] = f'"{sealed.replace(chr(34), chr(34) * 2)}"'
        return self.delimiter.join(cells)

    def _cells(self, record: str) -> list[str] | None:
        if '"' not in record:
            return record.split(self.delimiter)
        if self._record.fullmatch(record) is None:
            return None
        cells, position = [], 0
        while True:
            match = self._field.match(record, position)
            assert match is not None  # the empty field always fits
            cells.append(match[0])
            position = match.end() + len(self.delimiter)
            if match.end() >= len(record):
                return cells

    def _records(self, text: str) -> Iterator[tuple[str, str]]:
        """Each record with its line end; a quoted cell may hold line ends, a broken line ends at the next one."""
        position = 0
        while position < len(text):
            end = _END.search(text, position)
            stop = end.start() if end else len(text)
            if '"' in text[position:stop]:
                whole = self._record.match(text, position, position + MAX_RECORD)
                if whole is not None and (whole.end() < position + MAX_RECORD or whole.end() == len(text)):
                    stop = whole.end()
                    end = _END.match(text, stop)
            yield text[position:stop], end[0] if end else ""
            position = end.end() if end else len(text)
