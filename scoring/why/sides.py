"""The two states that are compared: a publication, or the lake as it is or was at a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from cityhub import clock
from cityhub.clock import SHANGHAI
from cityhub.errors import Usage
from cityhub.settings import Settings
from scoring import scheme, tables
from scoring.month import SCHEME
from scoring.publication import content, manifest
from warehouse import lake
from warehouse.names import literal

DATASETS = ("ranking", "score", "indicator_value", "indicator", "delivery")
Row = tables.Row


@dataclass(frozen=True)
class Side:
    """One state of a month. `label` for people; `at` the moment of it; `rules` what it was computed by: versions,
    switches and sha256 of the scheme files."""

    label: str
    number: int | None
    snapshot: int
    at: datetime
    rules: Mapping[str, str]
    data: Mapping[str, list[Row]]


def pair(settings: Settings, month: str, first: str | None, last: str | None) -> tuple[Side, Side]:
    """The states `--from` and `--to` of a month; by default its newest two publications.

    Raises `Usage` CH-WHY-001 when there are no two, CH-WHY-002 for a name of none.
    """
    root = settings.publications
    every = [manifest.read(manifest.folder_of(root, number)) for number in manifest.numbers(root)]
    known = [item for item in every if item.period == month]
    if last is None and not known:
        raise Usage("CH-WHY-001", month=month, found="none")
    after = _side(settings, month, known, "--to", last or str(known[-1].number))
    if first is None:
        earlier = [item for item in known if after.number is None or item.number < after.number]
        if not earlier:
            raise Usage("CH-WHY-001", month=month, found=_listed(known))
        first = str(earlier[-1].number)
    return _side(settings, month, known, "--from", first), after


def _listed(known: list[manifest.Manifest]) -> str:
    return ", ".join(f"{item.number} ({item.published_at[:10]})" for item in known) or "none"


def _side(settings: Settings, month: str, known: list[manifest.Manifest], option: str, text: str) -> Side:
    if text == "now" or text.startswith("snapshot:"):
        return _of_lake(settings, month, option, text, known)
    day = clock.yesterday().isoformat() if text in {"yesterday", "昨天"} else text
    for item in reversed(known):
        published = datetime.fromisoformat(item.published_at).astimezone(SHANGHAI)
        if str(item.number) == text or (_is_day(day) and published.date().isoformat() <= day):
            return _of_publication(settings, item)
    raise Usage("CH-WHY-002", option=option, value=text, month=month, found=_listed(known))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return not text.isdigit()


def _of_publication(settings: Settings, found: manifest.Manifest) -> Side:
    folder = manifest.folder_of(settings.publications, found.number)
    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        data = {
            name: list(tables.rows(con, f"FROM read_parquet({literal(str(folder / f'{name}.parquet'))})"))
            for name in DATASETS
        }
    rules = {"计分办法": f"{found.scheme} {found.scheme_version}", "程序": found.code_version}
    rules |= {f"开关 {name}": option for name, option in found.switches.items()}
    rules |= {item.path: item.sha256 for item in found.files if item.path.startswith("schemes/")}
    label = f"第 {found.number} 号发布（截至 {found.service_day}）"
    at = datetime.fromisoformat(found.published_at)
    return Side(label, found.number, found.lake_snapshot, at, rules, data)


def _of_lake(settings: Settings, month: str, option: str, text: str, known: list[manifest.Manifest]) -> Side:
    name = text.removeprefix("snapshot:")
    kept = snapshots(settings)
    snapshot = max(kept) if text == "now" else int(name) if name.isdigit() else -1
    if snapshot not in kept:
        raise Usage("CH-WHY-002", option=option, value=text, month=month, found=_listed(known))
    rules = scheme.load(SCHEME)
    with closing(lake.engine(settings)) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute(lake.attach_sql(settings, read_only=True, snapshot=snapshot))
        con.execute("USE lake")
        tables.set_month(con, rules.scheme, month)
        con.execute("SET VARIABLE publication = 0")
        switches = (content.in_force(con, rules.scheme) or ({}, False))[0]
        data = {item: list(tables.rows(con, tables.statement(item))) for item in DATASETS}
    words = {"计分办法": f"{rules.scheme} {rules.version}"} | {
        f"开关 {name}": value for name, value in switches.items()
    }
    label = "仓库现状" if text == "now" else f"仓库快照 {snapshot}"
    return Side(label, None, snapshot, kept[snapshot], words, data)


def snapshots(settings: Settings) -> dict[int, datetime]:
    """The snapshots of the lake that are kept, with their moments; none without a lake."""
    with closing(lake.connect(settings, read_only=True)) as con:
        found = con.execute("SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('lake')").fetchall()
    return dict(found)
