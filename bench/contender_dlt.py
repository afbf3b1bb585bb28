"""dlt, as its best users would set it up, in an environment of its own: `contender_dlt URL FOLDER rest|arrow`.

`rest`: its declarative REST source, Parquet loader, two normalize workers, files of 100,000 rows, no compression
(with its defaults it is fifteen times slower). `arrow`: a resource of ours that yields one Arrow table a page.
Both merge on `id` into DuckDB, as the others do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__WORKERS": "2",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "SOURCES__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "SOURCES__DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt
import orjson
import pyarrow as pa
import requests
from dlt.sources.rest_api import rest_api_source
from stopwatch import measure


def declared(url: str) -> Any:
    """The declarative source."""
    return rest_api_source(
        {
            "client": {
                "base_url": url,
                "paginator": {
                    "type": "page_number",
                    "page_param": "pageNo",
                    "base_page": 1,
                    "total_path": None,
                    "stop_after_empty_page": True,
                },
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [{"name": "position", "endpoint": {"path": "positions", "data_selector": "data"}}],
        }
    )


def by_hand(url: str) -> Any:
    """One Arrow table a page."""

    @dlt.resource(name="position", primary_key="id", write_disposition="merge")
    def position() -> Iterator[pa.Table]:
        session, number = requests.Session(), 0
        while True:
            number += 1
            rows = orjson.loads(session.get(f"{url}/positions?pageNo={number}").content)["data"]
            if not rows:
                return
            yield pa.Table.from_pylist(rows)

    return position


def made(folder: Path, kind: str) -> Any:
    """The pipeline."""
    return dlt.pipeline(
        f"bench_{kind}",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="bench",
    )


def run(url: str, folder: Path, kind: str) -> None:
    """Extract, normalise, load."""
    source = declared(url) if kind == "rest" else by_hand(url)
    made(folder, kind).run(source, loader_file_format="parquet").raise_on_failed_jobs()


def count(folder: Path, kind: str) -> int:
    """The rows stored."""
    with made(folder, kind).sql_client() as client:
        found = client.execute_sql("SELECT count(DISTINCT id) FROM position")
    return int(found[0][0]) if found else 0


if __name__ == "__main__":
    place, kind = Path(sys.argv[2]), sys.argv[3]
    measure(lambda: run(sys.argv[1], place, kind), lambda: count(place, kind))
