"""Landed parts as one raw relation: every source column a text, every row with its place. One module a format.

A reader is a function `(job: Job, parts: list[Numbered]) -> str`, an SQL SELECT of `part, place, s0, s1, …`.
Rows that are no rows (a CSV line with too few columns, a line that is no JSON) go to `job.rejects`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import duckdb

from warehouse.landing import Format
from warehouse.readers import csv_parts, json_parts, parquet_parts, xlsx_parts, xml_parts
from warehouse.readers.job import Job, Numbered, named_file

Reader = Callable[[Job, list[Numbered]], str]
READERS: dict[Format, Reader] = {
    "json": json_parts.arrays,
    "ndjson": json_parts.lines,
    "csv": csv_parts.read,
    "xml": xml_parts.read,
    "xlsx": xlsx_parts.read,
    "parquet": parquet_parts.read,
}


def read(job: Job, create: Callable[[], None]) -> None:
    """Run what reads `relation(job)`. One record of garbage must not cost the others: when the engine cannot take a
    delivery of JSON, once more without such records, which become rejects. Raises what the engine raises."""
    try:
        create()
    except duckdb.Error as error:
        if named_file(str(error)) is None or not any(part.format in {"json", "ndjson"} for part in job.manifest.parts):
            raise
        job.sift = True
        job.rejects.clear()
        create()


def relation(job: Job) -> str:
    """The SELECT of all rows of a delivery, parts in their order; no parts give no rows."""
    numbered = list(enumerate(job.manifest.parts))
    runs = [(kind, list(run)) for kind, run in groupby(numbered, key=lambda item: item[1].format)]
    selects = [READERS[kind](job, run) for kind, run in runs]
    return "\nUNION ALL\n".join(selects or [json_parts.empty(job)])
