"""JSON arrays and NDJSON straight into the engine: no row becomes a Python object.

`read_json` with all columns VARCHAR and `records` on: with types it refuses or rounds in silence, and a naive
time read as TIMESTAMPTZ would be taken for UTC. Values keep their digits, nested ones stay JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from warehouse.landing import Part
from warehouse.names import literal
from warehouse.readers.elements import elements
from warehouse.readers.job import Job, Numbered, Reject, file_list, opened, quoted, top

CELL = "_cell"  # place of a row that came out of a workbook: 专项考核!D7
PLACE = "_hub_place"  # number of a record among those that came, where some were sifted out
PROBLEM_KEY = "_problem"  # first column of a part whose records were refused before they landed
MAX_OBJECT = 16 << 20
LOOK_AT_ALL, LOOK_AT = 1 << 20, 1000  # bytes of a delivery, records of a part


def arrays(job: Job, parts: list[Numbered]) -> str:
    """Parts that hold one JSON array of objects each. With `job.sift`, elements that are no objects become rejects."""
    if job.sift:
        return _read_lines(job, parts, [_sifted_array(job, number, part) for number, part in parts])
    paths = [job.file(part) for _, part in parts]
    _note_columns(job, parts, paths, "array")
    return select(job, paths, parts[0][0], "array")


def lines(job: Job, parts: list[Numbered]) -> str:
    """Parts with one JSON object a line. With `job.sift`, set when the strict read has failed, lines that are
    no objects become rejects. Records of a part that says `_problem` are rejects by that reason, all of them."""
    refused = [(number, part) for number, part in parts if part.columns[:1] == (PROBLEM_KEY,)]
    for number, part in refused:
        _refuse(job, number, job.file(part))
    parts = parts[: len(parts) - len(refused)]  # they are the last of their delivery
    if not parts:
        return empty(job)
    paths = [job.file(part) for _, part in parts]
    if job.sift:
        paths = [_sifted_lines(job, number, path) for (number, _), path in zip(parts, paths, strict=True)]
    return _read_lines(job, parts, paths)


def _read_lines(job: Job, parts: list[Numbered], paths: list[Path]) -> str:
    _note_columns(job, parts, paths, "newline_delimited")
    place = CELL if any(CELL in part.columns for _, part in parts) else PLACE if job.sift else None
    return select(job, paths, parts[0][0], "newline_delimited", place=place)


def empty(job: Job) -> str:
    """The SELECT of no rows."""
    texts = ", ".join(f"NULL::VARCHAR AS s{i}" for i in range(len(job.sources)))
    return f"SELECT 0 AS part, NULL::VARCHAR AS place{', ' if texts else ''}{texts} WHERE false"


def select(job: Job, paths: list[Path], first: int, form: str, *, place: str | None = None) -> str:
    """The SELECT over JSON files of one form; `place` names a key that holds each row's place."""
    tops = dict.fromkeys(top(source) for source in job.sources)
    packed = {top(source) for source in job.sources if "." in source}
    where = f"file_index::INTEGER + {first} AS part, {f'{quoted(place)}' if place else 'NULL::VARCHAR'} AS place"
    compression = "" if all(path.suffix != ".zst" for path in paths) else ", compression = 'zstd'"
    common = f"{file_list(paths)}, format = '{form}', maximum_object_size = {MAX_OBJECT}{compression}"
    if len({name.lower() for name in tops}) < len(tops):  # keys that differ by case alone: columns cannot
        texts = ", ".join(f"json ->> {literal(_path(source))} AS s{i}" for i, source in enumerate(job.sources))
        return f"SELECT {where}, {texts} FROM read_json_objects({common})"
    columns = {name: "JSON" if name in packed else "VARCHAR" for name in tops}
    columns |= {place: "VARCHAR"} if place else {}
    declared = ", ".join(f"{literal(name)}: '{kind}'" for name, kind in columns.items())
    texts = ", ".join(_text(source, packed) + f" AS s{i}" for i, source in enumerate(job.sources))
    return f"SELECT {where}, {texts} FROM read_json({common}, records = 'true', columns = {{{declared}}})"


def _text(source: str, packed: set[str]) -> str:
    head, _, rest = source.partition(".")
    if rest:
        return f"{quoted(head)} ->> {literal(_path(rest))}"
    return f"{quoted(head)} ->> '$'" if head in packed else quoted(head)


def _path(source: str) -> str:
    return "$" + "".join(f'."{key}"' for key in source.split("."))


def _note_columns(job: Job, parts: list[Numbered], paths: list[Path], form: str) -> None:
    """Keys of the records: what the manifest says of the parts' first ones, and one look of our own. That goes over
    all records of a small delivery; of a large one over the first records of its first and its last part, since
    reading all of them twice would take half as long as the load."""
    job.columns.update(dict.fromkeys(name for _, part in parts for name in part.columns))
    whole = sum(part.bytes for _, part in parts) <= LOOK_AT_ALL
    chosen = [paths] if whole else [[path] for path in dict.fromkeys((paths[0], paths[-1]))]
    records = " UNION ALL ".join(_keys(some, form, "" if whole else f" LIMIT {LOOK_AT:d}") for some in chosen)
    query = f"SELECT key FROM (SELECT unnest(keys) AS key FROM (SELECT DISTINCT keys FROM ({records}))) GROUP BY key"
    with suppress(duckdb.Error):  # the read itself will say what is wrong, with its place
        job.columns.update(dict.fromkeys(sorted(str(row[0]) for row in job.con.execute(query).fetchall())))


def _keys(paths: list[Path], form: str, limit: str) -> str:
    compression = "" if all(path.suffix != ".zst" for path in paths) else ", compression = 'zstd'"
    return (
        f"(SELECT json_keys(json) AS keys FROM read_json_objects({file_list(paths)}, format = '{form}',"
        f" maximum_object_size = {MAX_OBJECT}{compression}) WHERE json_type(json) = 'OBJECT'{limit})"
    )


def _refuse(job: Job, number: int, path: Path) -> None:
    """Each record a reject. Its raw form has the frame and who sent it, but no time and no port: the same frame
    sent again is the same case."""
    with opened(path) as stream:
        for line, text in enumerate(stream, 1):
            record = json.loads(text)
            peer = str(record.get("_peer", "")).rpartition(":")[0]
            raw = {"frame": record.get("_frame"), "peer": peer}
            raw |= {key: value for key, value in record.items() if not key.startswith("_")}
            shown = json.dumps(raw, ensure_ascii=False)
            job.rejects.append(Reject(number, line, shown, str(record[PROBLEM_KEY]), record=True))


def _sifted_lines(job: Job, number: int, path: Path) -> Path:
    with opened(path) as stream:
        return _sifted(job, number, stream)


def _sifted_array(job: Job, number: int, part: Part) -> Path:
    with opened(job.file(part)) as stream:
        body = stream.read()
    try:
        found = elements(body)
    except ValueError as error:
        raise job.broken(part, str(error)) from None
    return _sifted(job, number, (text.replace(b"\r", b" ").replace(b"\n", b" ") for text in found))


def _sifted(job: Job, number: int, records: Iterable[bytes]) -> Path:
    """The records that are JSON objects as an NDJSON file; the others become rejects."""
    target = job.work / f"{number:06d}.ndjson"
    with target.open("wb") as out:
        for line, text in enumerate(records, 1):
            if not text.strip():
                continue
            try:
                record = _strict(text.decode("utf-8"))
                if not isinstance(record, dict):
                    raise ValueError("not an object")
                out.write(b'{"%s":%d%s' % (PLACE.encode(), line, b"," if record else b""))
                out.write(text.strip()[1:] + b"\n")
            except (ValueError, RecursionError):
                shown = text.decode("utf-8", "replace").strip()
                job.rejects.append(Reject(number, line, shown, "not_json"))
    return target


def _strict(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        return found

    return json.loads(text, object_pairs_hook=once)
