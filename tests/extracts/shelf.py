"""A shelf of extracts made from rows that a test writes down: signed and numbered as real ones, without a warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from extracts import sign, write
from extracts.datasets import DATASETS, SQL_TYPES, Dataset
from extracts.make import seal, take_place
from extracts.model import SCHEMA_VERSION, ExtractManifest
from extracts.records import records
from extracts.store import Store, root_of
from scoring.publication.manifest import sha256
from tests.extracts.months import settings_in
from warehouse.names import identifier, literal

Row = dict[str, Any]
EMPTY = {"text": "x", "integer": 1, "number": 1.0, "decimal": "1", "date": "2026-11-20", "boolean": False}


def value(code: str, unit: str, number: float | None, period: str = "2026-11", **more: Any) -> Row:
    """A row of `indicator_value`."""
    kind = "month" if len(period) == 7 else "day"
    state = "ok" if number is not None else "missing"
    return {"period": period, "code": code, "unit": unit, "period_kind": kind, "value": number, "state": state} | more


def indicator(code: str, measure: str, period: str = "2026-11") -> Row:
    """A row of `indicator`."""
    return {"period": period, "code": code, "measure": measure}


class Shelf:
    """Extracts below an installation's home; each call of `put` adds the next number."""

    def __init__(self, home: Path) -> None:
        self.settings = settings_in(home)
        self.store = Store(root_of(self.settings))

    def put(self, period: str = "2026-11", status: str = "provisional", **rows: Iterable[Row]) -> int:
        """The next extract: dataset → its rows; columns that a row does not name are empty, or filled where they must
        not be. Datasets that are not named are not in it. The number that it got."""
        root = self.store.root
        root.mkdir(parents=True, exist_ok=True)
        earlier = self.store.sequences()
        sequence = len(earlier) + 1
        before = [n for n in earlier if self.store.manifest(n).period == period]
        signer = sign.signer(self.settings)
        work = root / f".{sequence:06d}.partial"
        work.mkdir()
        con = write.connect()
        files = []
        variables = {"month": period, "status": status, "source_as_of": f"{period}-28",
                     "published_at": f"2026-12-01T02:00:{sequence % 60:02d}+08:00"}  # fmt: skip
        for name, text in variables.items():
            con.execute(f"SET VARIABLE {name} = {literal(text)}")
        con.execute(f"SET VARIABLE sequence = {sequence}")
        for name, given in rows.items():
            dataset = DATASETS[name]
            old = self.store.manifest(before[-1]).file(name, "parquet") if before else None
            path = self.store.folder(before[-1]) / old.path if old else None
            write.rows(con, dataset, _select(dataset, list(given), work), path, sequence)
            (work / "rows.json").unlink()
            files += write.files(con, dataset, work)
        con.close()
        made = ExtractManifest(
            sequence, SCHEMA_VERSION, period, status, "test", before[-1] if before else None,
            sha256(self.store.folder(earlier[-1]) / "manifest.json") if earlier else None,
            f"{period}-28", f"2026-12-01T02:00:{sequence % 60:02d}+08:00", signer.key_id, "0" * 64, tuple(files),
        )  # fmt: skip
        sign.publish_key(root, signer.public)
        seal(work, made, signer, None)
        take_place(work, self.store.folder(sequence))
        return sequence

    def rows(self, dataset: str) -> list[Row]:
        """All rows of the newest state, in key order."""
        return records(self.store, dataset, at=self.store.latest() or 0, limit=1_000_000)


def _select(dataset: Dataset, rows: list[Row], work: Path) -> str:
    own = {column.name: column for column in dataset.own}
    lines = []
    for row in rows:
        filled = {
            name: row.get(name, None if column.nullable else (column.values or (EMPTY[column.type],))[0])
            for name, column in own.items()
        }
        lines.append(json.dumps(filled | row, ensure_ascii=False))
    (work / "rows.json").write_text("\n".join(lines), encoding="utf-8")
    columns = ", ".join(f"{literal(name)}: {literal(SQL_TYPES[column.type])}" for name, column in own.items())
    names = ", ".join(identifier(name) for name in own)
    source = f"read_json({literal(str(work / 'rows.json'))}, format = 'newline_delimited', columns = {{{columns}}})"
    return f"SELECT {names} FROM {source}"
