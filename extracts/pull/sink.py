"""The copy: a DuckDB file with one table a dataset and, in the schema `provenance`, how far it is and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from cityhub import clock
from cityhub.errors import Retry, Stop
from extracts.pull.source import Shape
from warehouse.names import identifier, identifiers, literal

_SCHEMA = Path(__file__).with_name("sink.sql")


@dataclass(frozen=True)
class State:
    """How far a dataset is: the publication that its rows are of, and whether signed files prove them."""

    token: int
    proved: bool


class Sink:
    """The open copy."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises `Retry` CH-CLIENT-009 while another program has it."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.con = duckdb.connect()
        try:  # under a name of ours: that of the file may be one of a schema
            self.con.execute(f"ATTACH {literal(str(path))} AS taken")
        except duckdb.Error as error:
            self.con.close()
            raise Retry("CH-CLIENT-009", into=str(path), detail=str(error).splitlines()[0][:200]) from None
        self.con.execute("USE taken")
        self.con.execute("SET enable_progress_bar = false")
        self.con.execute(_SCHEMA.read_text(encoding="utf-8"))

    def close(self) -> None:
        """Close the file."""
        self.con.close()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """One transaction: all or nothing."""
        self.con.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.con.execute("ROLLBACK")
            raise
        self.con.execute("COMMIT")

    def belongs_to(self, source: str) -> None:
        """Remember the service at first; raises `Stop` CH-CLIENT-008 for another one later."""
        found = self._one("SELECT name FROM provenance.source")
        if found is None:
            self.con.execute("INSERT INTO provenance.source VALUES (?)", [source])
        elif found[0] != source:
            raise Stop("CH-CLIENT-008", into=str(self.path), known=found[0], source=source)

    def keys(self) -> dict[str, bytes]:
        """The keys that are trusted, by id; empty before the first time."""
        return dict(self.con.execute("SELECT key_id, public_key FROM provenance.trusted").fetchall())

    def trust(self, keys: dict[str, bytes]) -> None:
        """Trust these keys from now on."""
        for name, public in keys.items():
            self.con.execute("INSERT OR REPLACE INTO provenance.trusted VALUES (?, ?, ?)", [name, public, _now()])

    def manifest(self, sequence: int) -> str | None:
        """sha256 of a manifest that was proved before."""
        found = self._one("SELECT sha256 FROM provenance.manifest WHERE sequence = ?", [sequence])
        return None if found is None else str(found[0])

    def keep_manifest(
        self, sequence: int, sha256: str, body: bytes, signature: bytes, key_id: str, sm2: bytes | None = None
    ) -> None:
        """Keep what the rows are proved by; an SM2 signature of before stays where none comes."""
        kept = sm2 if sm2 is not None else self.signed_twice(sequence)[1]
        self.con.execute(
            "INSERT OR REPLACE INTO provenance.manifest (sequence, sha256, body, signature, key_id, sm2) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [sequence, sha256, body, signature, key_id, kept],
        )

    def signed_twice(self, sequence: int) -> tuple[bytes, bytes | None]:
        """The body of a manifest and its SM2 signature: None unless somebody asked for it."""
        found = self._one("SELECT body, sm2 FROM provenance.manifest WHERE sequence = ?", [sequence])
        return (b"", None) if found is None else (bytes(found[0]), None if found[1] is None else bytes(found[1]))

    def manifests(self) -> list[tuple[int, bytes, bytes, bytes | None]]:
        """Sequence, body, signature and SM2 signature of all that were kept."""
        return self.con.execute("SELECT sequence, body, signature, sm2 FROM provenance.manifest ORDER BY 1").fetchall()

    def state(self, dataset: str) -> State | None:
        """How far a dataset is; None before its first time."""
        found = self._one("SELECT token, proved FROM provenance.state WHERE dataset = ?", [dataset])
        return None if found is None else State(*found)

    def reach(self, dataset: str, token: int, proved: bool) -> None:
        """A dataset is at `token` now; part of the transaction that brought it there."""
        rows = self.count(dataset)
        self.con.execute(
            "INSERT OR REPLACE INTO provenance.state VALUES (?, ?, ?, ?, ?)", [dataset, token, proved, rows, _now()]
        )

    def fits(self, dataset: str, shape: Shape) -> bool:
        """Whether the table is there with these columns."""
        found = self.con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = 'taken' "
            "AND schema_name = 'main' AND table_name = ? ORDER BY column_index",
            [dataset],
        ).fetchall()
        return tuple(found) == shape.columns

    def make(self, dataset: str, shape: Shape) -> None:
        """An empty table in the place of what was there."""
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in shape.columns)
        self.con.execute(f"CREATE OR REPLACE TABLE {identifier(dataset)} ({columns})")

    def insert(self, dataset: str, shape: Shape, select: str) -> None:
        """Add the rows of a SELECT."""
        self.con.execute(f"INSERT INTO {identifier(dataset)} ({shape.names}) {select}")

    def apply(self, dataset: str, shape: Shape, pages: Path) -> dict[str, int]:
        """Apply the changes in a folder of pages; operation → how many."""
        struct = ", ".join(f"{identifier(name)} {kind}" for name, kind in shape.columns)
        key = ", ".join(f"{identifier(name)} {kind}" for name, kind in shape.columns if name in shape.key)
        columns = f"op: 'VARCHAR', key: {literal(f'STRUCT({key})')}, row: {literal(f'STRUCT({struct})')}"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE change AS SELECT * FROM read_json({literal(str(pages / '*.ndjson'))}, "
            f"format = 'newline_delimited', maximum_object_size = 67108864, columns = {{{columns}}})"
        )
        same = " AND ".join(f"t.{identifier(name)} = c.key.{identifier(name)}" for name in shape.key)
        self.con.execute(f"DELETE FROM {identifier(dataset)} AS t USING change AS c WHERE {same}")
        values = ", ".join(f"c.row.{identifier(name)}" for name, _ in shape.columns)
        self.insert(dataset, shape, f"SELECT {values} FROM change AS c WHERE c.op != 'delete'")
        found = self.con.execute("SELECT op, count(*) FROM change GROUP BY op").fetchall()
        self.con.execute("DROP TABLE change")
        return dict(found)

    def differing(self, dataset: str, shape: Shape, month: str, select: str) -> int:
        """Rows in which a month's rows here differ from those of a SELECT."""
        here = f'SELECT {shape.names} FROM {identifier(dataset)} WHERE starts_with("period", {literal(month)})'
        found = self._one(
            f"SELECT (SELECT count(*) FROM (({select}) EXCEPT ALL ({here}))) + "
            f"(SELECT count(*) FROM (({here}) EXCEPT ALL ({select})))"
        )
        return int(found[0]) if found else 0

    def count(self, dataset: str) -> int:
        """Rows of a dataset."""
        found = self._one(f"SELECT count(*) FROM {identifier(dataset)}")
        return int(found[0]) if found else 0

    def export(self, dataset: str, key: tuple[str, ...], target: Path) -> None:
        """Write a dataset as Parquet in the order of its key, in one rename."""
        temporary = target.with_name(f".{target.name}.partial")
        self.con.execute(
            f"COPY (SELECT * FROM {identifier(dataset)} ORDER BY {identifiers(key)}) TO {literal(str(temporary))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        temporary.replace(target)

    def _one(self, statement: str, values: list[Any] | None = None) -> tuple[Any, ...] | None:
        return self.con.execute(statement, values).fetchone()


def _now() -> str:
    return clock.now().isoformat(timespec="seconds")
