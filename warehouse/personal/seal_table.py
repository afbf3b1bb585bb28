"""Tables with named columns, sealed: Parquet from databases, and workbooks, which land as records."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.personal.seal import Seal

Columns = Callable[[list[str]], Mapping[str, Seal]]


def seal_parquet(body: bytes, columns: Columns) -> bytes:
    """The file with these text columns sealed."""
    table = pq.read_table(io.BytesIO(body))
    for name, seal in columns(list(table.column_names)).items():
        position = table.column_names.index(name)
        texts = table.column(position).cast(pa.string()).to_pylist()
        sealed = pa.array([None if text is None else seal(text) for text in texts], pa.string())
        table = table.set_column(position, name, sealed)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def seal_rows(rows: list[dict[str, str | None]], seals: Mapping[str, Seal]) -> bytes:
    """Records of texts as NDJSON, with these keys sealed."""
    for row in rows:
        for name, seal in seals.items():
            value = row.get(name)
            if value is not None:
                row[name] = seal(value)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
