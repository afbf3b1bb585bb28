"""CSV: decoded to UTF-8, header read here, rows by the engine as texts; lines of another shape become rejects."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from warehouse.names import literal
from warehouse.readers.job import Job, Numbered, Reject, quoted
from warehouse.readers.text import as_utf8

MAX_LINE = 1 << 20


def read(job: Job, parts: list[Numbered]) -> str:
    """One SELECT a part, since each may order its columns in its own way; names come from its header row."""
    return "\nUNION ALL\n".join(_one(job, number, as_utf8(job, number, part)) for number, part in parts)


def _one(job: Job, number: int, path: Path) -> str:
    delimiter = str(job.option("delimiter") or ",")
    header_row = int(job.option("header_row") or 1)
    names = header(path, delimiter, header_row)
    job.columns.update(dict.fromkeys(names))
    texts = ", ".join(
        f"{quoted(names[source])} AS s{i}" if source in names else f"NULL::VARCHAR AS s{i}"
        for i, source in enumerate(job.sources)
    )
    if not names:
        return f"SELECT {number} AS part, NULL::VARCHAR AS place, {texts} WHERE false"
    declared = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names.values())
    table = f"hub_csv_{number}"
    job.tables.append(table)
    # Read once into a table of its own: the rejects are known only when the whole file has been read.
    job.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM read_csv({literal(str(path))}, auto_detect = false,"
        f" columns = {{{declared}}}, delim = {literal(delimiter)}, quote = '\"', escape = '\"', header = true,"
        f" skip = {header_row - 1}, max_line_size = {MAX_LINE}, null_padding = false, strict_mode = true,"
        " store_rejects = true, rejects_table = 'hub_rejects', rejects_scan = 'hub_reject_scans', rejects_limit = 0)"
    )
    _collect(job, number)
    return f"SELECT {number} AS part, NULL::VARCHAR AS place, {texts} FROM temp.{table}"


def header(path: Path, delimiter: str, row: int) -> dict[str, str]:
    """Name in the header → name for the engine, in order; empty and repeated names get a number."""
    with path.open(encoding="utf-8", newline="") as handle:
        cells = next(islice(csv.reader(handle, delimiter=delimiter), row - 1, row), [])
    names: dict[str, str] = {}
    for i, cell in enumerate(cells):
        name = cell.strip().strip("\u3000") or f"column {i + 1}"
        names[name if name not in names else f"{name} {i + 1}"] = f"c{i}"
    return names


def _collect(job: Job, number: int) -> None:
    found = job.con.execute(
        "SELECT line, any_value(csv_line), string_agg(DISTINCT error_type, ' ') FROM temp.hub_rejects"
        " GROUP BY line, scan_id, file_id ORDER BY line"
    ).fetchall()
    job.rejects += [
        Reject(number, int(line), str(text or "").strip("\r\n"), "malformed_line") for line, text, _ in found
    ]
    job.con.execute("DROP TABLE IF EXISTS temp.hub_rejects; DROP TABLE IF EXISTS temp.hub_reject_scans")
