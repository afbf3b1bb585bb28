"""Making a folder of the feed: written beside its place, checked, and put there by one rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from cityhub import clock, log
from cityhub.errors import Stop, Usage
from cityhub.files import read_json, sync, write_text
from cityhub.settings import Settings
from indicators.definitions import read_all
from scoring.handover import rows, schemas
from scoring.handover.check import check
from scoring.handover.contract import FORMATS, MANIFEST, contract, well_formed
from scoring.numbers import text
from scoring.publication.manifest import code_version, sha256
from warehouse import lake
from warehouse.names import literal

logger = log.get(__name__)
PRODUCER = "cityhub"


@dataclass(frozen=True)
class Handover:
    """One folder. `new`: whether this call made it, or it stood there with the same content."""

    folder: str
    source: str
    publication: int | None
    period: str
    rows: dict[str, int]
    content_sha256: str
    new: bool


def hand_over(
    settings: Settings,
    period: str,
    folder: Path | None = None,
    *,
    formats: Sequence[str] = FORMATS,
    working: bool = False,
    number: int | None = None,
) -> Handover:
    """Write the values of a month (with its days) or a day: those of its newest publication, of publication `number`,
    or, `working`, of the warehouse as it stands.

    Raises `Usage` CH-HAND-002 for a period or format that there is not; `Stop` CH-HAND-001 without publication or
    values, CH-HAND-003 when the folder holds something else, CH-HAND-004 when the content would break the contract,
    CH-PUB-004 for a damaged publication.
    """
    if not (well_formed("month", period) or well_formed("day", period)):
        raise Usage("CH-HAND-002", what="period", value=period, known="YYYY-MM or YYYY-MM-DD")
    if unknown := sorted(set(formats) - set(FORMATS)) or [] if formats else ["none"]:
        raise Usage("CH-HAND-002", what="format", value=unknown[0], known=", ".join(FORMATS))
    definitions = read_all().values()
    made = None if working else rows.published(settings, period[:7], number)
    con = rows.of_warehouse(settings) if made is None else rows.of_publication(settings, made)
    try:
        selects = rows.prepare(con, period, definitions)
        head = {
            "contract": contract().contract,
            "version": contract().version,
            "producer": PRODUCER,
            "producer_version": code_version(),
            "source": "working" if made is None else "publication",
            "publication": made.number if made else None,
            "status": made.status if made else "working",
            "period": period,
            "made_at": clock.now().isoformat(),
            "content_sha256": _identity(con, selects),
        }
        name = f"{period}-{made.number:06d}" if made else f"{period}-working"
        return _place(settings, con, selects, head, folder or settings.home / "handover" / name, tuple(formats))
    finally:
        con.close()


def _place(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    selects: dict[str, str],
    head: dict[str, Any],
    folder: Path,
    formats: tuple[str, ...],
) -> Handover:
    with lake.lock(settings, "handover"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            return _stands(folder, head, formats)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for rest in folder.parent.glob(f".{folder.name}.*.partial"):  # of a run that was killed
            shutil.rmtree(rest)
        work = folder.parent / f".{folder.name}.{os.getpid()}.partial"
        try:
            counts = _write(con, selects, head, work, formats)
            if not counts["indicator_value"]:
                raise Stop("CH-HAND-001", period=head["period"], number=head["publication"])
            if found := check(work):
                first = found[0]
                raise Stop("CH-HAND-004", count=len(found), problem=f"{first.place}: {first.problem}")
            work.rename(folder)
            sync(folder.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    log.event(
        logger, "handed over", interval=head["period"], publication=head["publication"], rows=sum(counts.values())
    )
    return _answer(folder, head, counts, new=True)


def _stands(folder: Path, head: dict[str, Any], formats: tuple[str, ...]) -> Handover:
    """What stands in the folder, when it is the same; otherwise `Stop` CH-HAND-003."""
    there = read_json(folder / MANIFEST) or {}
    same = ("contract", "version", "source", "publication", "status", "period", "content_sha256")
    kept = {item["format"] for item in there.get("files", [])}
    if any(there.get(name) != head[name] for name in same) or kept != set(formats) or check(folder):
        raise Stop("CH-HAND-003", folder=str(folder))
    counts = {item["dataset"]: item["rows"] for item in there["files"]}
    return _answer(folder, head, counts, new=False)


def _answer(folder: Path, head: dict[str, Any], counts: dict[str, int], *, new: bool) -> Handover:
    source, number, period, content = (head[k] for k in ("source", "publication", "period", "content_sha256"))
    return Handover(str(folder), source, number, period, counts, content, new)


def _write(
    con: duckdb.DuckDBPyConnection, selects: dict[str, str], head: dict[str, Any], work: Path, formats: tuple[str, ...]
) -> dict[str, int]:
    work.mkdir()
    files, counts = [], {}
    for name, select in selects.items():
        for kind in formats:
            path = work / f"{name}.{kind}"
            if kind == "parquet":
                con.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
            else:
                path.write_text(_as_json(con, select), encoding="utf-8")
            found = con.execute(f"SELECT count(*) FROM ({select})").fetchone()
            counts[name] = int(found[0]) if found else 0
            size = path.stat().st_size
            files.append({"path": path.name, "dataset": name, "format": kind, "rows": counts[name], "bytes": size,
                          "sha256": sha256(path)})  # fmt: skip
    (work / "schema").mkdir()
    stated = []
    for file, schema in schemas.all_schemas().items():
        path = work / "schema" / file
        write_text(path, json.dumps(schema, ensure_ascii=False, indent=1) + "\n")
        stated.append({"path": f"schema/{file}", "sha256": sha256(path)})
    for path in sorted(item for item in work.rglob("*")):
        sync(path)
    content = head | {"files": files, "schemas": stated}
    write_text(work / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n", sync=True)
    sync(work)
    return counts


def _as_json(con: duckdb.DuckDBPyConnection, select: str) -> str:
    """An array with one row a line: decimals as text without exponent, times with their offset."""
    answer = con.execute(select)
    names = [column[0] for column in answer.description or ()]
    lines = (
        json.dumps({name: _plain(value) for name, value in zip(names, row, strict=True)}, ensure_ascii=False)
        for row in answer.fetchall()
    )
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return text(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, datetime):
        return value.astimezone(clock.SHANGHAI).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _identity(con: duckdb.DuckDBPyConnection, selects: dict[str, str]) -> str:
    """sha256 over the rows of all datasets, whatever format they are written in."""
    digest = hashlib.sha256()
    for name in sorted(selects):
        digest.update(f"{name}\n{_as_json(con, selects[name])}".encode())
    return digest.hexdigest()
