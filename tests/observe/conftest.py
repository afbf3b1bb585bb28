"""A small hub whose only feed is a real HTTP server that a test scripts; its steps are the real ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import steps
from flow.observe import lineage, quietly
from tests.sensors.mqtt_peer import write_feed
from tests.servers.http import Answer, Vendor, as_json, vendor
from tests.warehouse.made import spec as made
from warehouse import lake

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
FEED = "city.lamp"
WRITTEN = ("delivery", "load_log", "dirty_day", "feed_cursor", "quarantine", "finding", "issue", "quality_result")
FIELDS: dict[str, dict[str, Any]] = {
    "lamp_id": {"from": "id", "title": "灯具", "description": "Number of the lamp.", "required": True},
    "count": {"from": "n", "type": "integer", "title": "次数", "description": "Count.", "min": 0},
}


@dataclass
class City:
    """The hub, its vendor, and what the vendor answers next: rows, or an answer."""

    settings: Settings
    vendor: Vendor
    patch: pytest.MonkeyPatch
    says: Any = field(default_factory=list)

    def spec(self, **changes: Any) -> FeedSpec:
        source = {"kind": "rest", "address": self.vendor.address + "/lamps", "retries": 0}
        return made(FEED, **{"fields": FIELDS, "source": source, "arrives": {"min_rows": 0}, **changes})

    def at(self, moment: str) -> None:
        """Set the clock, `2026-11-21T01:15`."""
        self.patch.setenv("CITYHUB_NOW", f"{moment}:00+08:00")

    def secret(self, name: str, value: str) -> None:
        self.patch.setenv(f"CITYHUB_{name.upper()}", value)

    def sync(self, *rows: dict[str, Any], day: date = DAY) -> None:
        self.says = list(rows)
        steps.sync(self.settings, FEED, day)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation of its own, at a quarter past one."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:15:00+08:00")
    return Settings(home, tmp_path / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One lake for all tests of a process: making it ready costs seconds, emptying it a fraction of one."""
    root = tmp_path_factory.mktemp("observe")
    home = root / "home"
    return Settings(home, root / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


@pytest.fixture
def city(prepared: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """The small hub, empty; what the process remembers of the test before is forgotten."""
    monkeypatch.setenv("CITYHUB_HOME", str(prepared.home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(prepared.feeds))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:15:00+08:00")
    _empty(prepared)
    with vendor(lambda _: hub.says if isinstance(hub.says, Answer) else as_json(hub.says)) as running:
        hub = City(prepared, running, monkeypatch)
        write_feed(prepared, hub.spec())
        yield hub
    for cached in (steps.opened, steps._connection, lineage._client):
        cached.cache_clear()
    lineage._told.clear()
    quietly.failures.clear()


def _empty(settings: Settings) -> None:
    for item in settings.home.iterdir() if settings.home.is_dir() else []:
        if item.name not in {"lake", "extensions", "locks", "secrets"}:
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    if not Path(settings.catalog).exists():
        return
    con = lake.connect(settings)
    with lake.write(con, settings, "empty"):
        there = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for table in there & {*WRITTEN, "city_lamp"}:
            con.execute(f"DELETE FROM {table}")
    con.close()
