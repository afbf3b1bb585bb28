"""What the notice is made from: one publication's manifest, scheme files and rows, each file as it was published."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from cityhub.clock import SHANGHAI
from cityhub.errors import Stop, Usage
from cityhub.settings import Settings
from scoring import scheme, tables
from scoring.policy import DigitalPolicy
from scoring.publication import manifest
from scoring.publication.manifest import Manifest
from scoring.scheme import Scheme
from warehouse.names import literal

DATASETS = ("ranking", "score", "consequence", "indicator", "delivery", "switches")
# What no paper can show and XML refuses, and marks that turn the direction of the text around.
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Published:
    """One publication. `sha256`: of its manifest, as `cityhub publish list` shows it; `rows` by dataset."""

    manifest: Manifest
    sha256: str
    scheme: Scheme
    policy: DigitalPolicy
    rows: dict[str, list[dict[str, Any]]]

    @property
    def at(self) -> datetime:
        """When it was published, local time."""
        return datetime.fromisoformat(self.manifest.published_at).astimezone(SHANGHAI)


def choose(settings: Settings, month: str, number: int | None = None) -> int:
    """The newest publication of a month, or the one that is named. Raises `Usage` CH-REPORT-001 without one,
    CH-REPORT-002 when the named one is of another month, `Stop` CH-PUB-001 when there is none of that number."""
    root = settings.publications
    if number is not None:
        found = manifest.read(manifest.folder_of(root, number))
        if found.period != month:
            raise Usage("CH-REPORT-002", number=number, month=month, period=found.period)
        return number
    periods = {item: manifest.read(manifest.folder_of(root, item)).period for item in manifest.numbers(root)}
    mine = [item for item, period in periods.items() if period == month]
    if not mine:
        raise Usage("CH-REPORT-001", month=month, known=", ".join(sorted(set(periods.values()))) or "none")
    return mine[-1]


def read(settings: Settings, number: int) -> Published:
    """The publication's rows. Raises `Stop` CH-PUB-004 when a file is not what was published."""
    folder = manifest.folder_of(settings.publications, number)
    found = manifest.read(folder)
    rules, policy = _scheme(folder, found), folder / "schemes" / "digital.yaml"
    for name in [f"{item}.parquet" for item in DATASETS] + [
        rules.relative_to(folder).as_posix(),
        "schemes/digital.yaml",
    ]:
        _demand(folder, found, name)
    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'; SET enable_progress_bar = false")
        rows = {name: _rows(con, folder / f"{name}.parquet", found) for name in DATASETS}
    return Published(
        found,
        manifest.sha256(folder / manifest.NAME),
        scheme.read(rules),
        scheme.read_model(DigitalPolicy, policy),
        rows,
    )


def _scheme(folder: Path, found: Manifest) -> Path:
    return folder / "schemes" / f"{found.scheme}.yaml"


def _demand(folder: Path, found: Manifest, name: str) -> None:
    """The paper repeats to the digit only from files that are still those of the manifest."""
    listed = {item.path: item for item in found.files}
    path = folder / name
    if name not in listed or not path.is_file() or manifest.sha256(path) != listed[name].sha256:
        problem = f"{name} is not the file that was published"
        raise Stop("CH-PUB-004", number=found.number, problem=problem, folder=str(folder))


def _rows(con: duckdb.DuckDBPyConnection, path: Path, found: Manifest) -> list[dict[str, Any]]:
    """Rows in the file's order; of tables that hold several schemes those of the publication's own."""
    rows = tables.rows(con, f"FROM read_parquet({literal(str(path))})")
    return [
        {name: clean(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
        if row.get("scheme", found.scheme) == found.scheme
    ]


def clean(text: str) -> str:
    """A text without what paper cannot show; line ends become spaces."""
    return _UNSHOWN.sub("", re.sub(r"[\r\n\t\u2028\u2029]+", " ", text))
