"""A small town with one feed in files, its indicator, manual scores, a ranking and publications."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one
from connectors.pull import pull
from indicators.engine import compute_again, compute_day
from scoring.month import score_month
from scoring.publish import Publication, publish
from tests.scoring.county import MONTH, County
from warehouse import lake
from warehouse.landing import Manifest
from warehouse.load import LoadResult, load

FEED, TABLE, CODE = "sanitation.route_task", "san_route_task", "SAN-03"
DAYS = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))
NOW = "2026-11-21T01:15:00+08:00"
SPEC = """
feed: sanitation.route_task
title: {{zh: 清扫作业任务, en: Sweeping tasks}}
platform: sanitation
table: san_route_task
description: Sweeping tasks of the day.
owner: {{department: 县城市管理局, person: 专员, phone: '1'}}
source: {{kind: files, address: "{folder}", pattern: "tasks-{{day_compact}}.csv"}}
arrives: {{expected_by: "06:00", min_rows: 1}}
identity: {{key: [task_id], day_from: task_date}}
fields:
  task_id: {{from: id, required: true}}
  task_date: {{from: day, type: date, required: true}}
  planned_km: {{from: planned, type: double, min: 0, max: {limit}}}
  done_km: {{from: done, type: double, min: 0, max: {limit}}}
  district: {{from: xq}}
  road_id: {{from: xq}}
unit: {{by: code, field: district, codes: {{"01": jincheng, "02": juji, "03": wulihe, "04": chengjiao}}}}
"""
Task = dict[str, Any]


def tasks(day: date, *, done: float = 4.5, number: int = 4, **but: float) -> list[Task]:
    """`number` tasks of 5 km for each of the four districts; `but`: task id → its driven length."""
    made = []
    for district in range(1, 5):
        for n in range(number):
            name = f"t{day:%d}{district}{n}"
            made.append({"id": name, "day": day, "planned": 5, "done": but.get(name, done), "xq": f"0{district}"})
    return made


class Town(County):
    """A county whose sweeping tasks come in CSV files; each step as a night takes it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.source = home / "source"
        self.source.mkdir()
        self.settings.feeds.mkdir()
        self.write_spec(limit=200)
        self.manual_tables()
        self.scores(but={"chengjiao": "61.37"})
        self.indicators(value=88.5)
        self.run(f"DELETE FROM indicator_value WHERE code = '{CODE}'")

    def reopen(self, home: Path) -> None:
        """Connect to a town that is there."""
        self.settings = Settings(
            home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data")
        )
        self.source = home / "source"
        self.con = lake.connect(self.settings)

    def write_spec(self, *, limit: int, path: Path | None = None) -> Path:
        """The feed's spec; `limit` is the largest length that passes."""
        path = path or self.settings.feeds / f"{FEED}.yaml"
        path.write_text(SPEC.format(folder=self.source, limit=limit), encoding="utf-8")
        return path

    @property
    def spec(self) -> FeedSpec:
        """The feed as its file says."""
        return one(self.settings.feeds, FEED)

    def file(self, day: date, rows: list[Task]) -> None:
        """What the platform has for a day."""
        lines = ["id,day,planned,done,xq", *(",".join(str(value) for value in row.values()) for row in rows)]
        (self.source / f"tasks-{day:%Y%m%d}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def deliver(self, day: date, rows: list[Task]) -> LoadResult:
        """Write the file, fetch it and load it."""
        self.file(day, rows)
        return self.load(pull(self.settings, self.spec, day))

    def load(self, manifest: Manifest) -> LoadResult:
        """Load a delivery."""
        return load(self.settings, self.spec, manifest, con=self.con)

    def night(self, day: date) -> None:
        """Indicators of the day and of the month so far, and the scores."""
        compute_day(self.settings, day)
        compute_again(self.settings, [day], tables={TABLE})
        score_month(self.settings, MONTH, day)

    def publish(self, day: date = DAYS[-1], reason: str | None = None, **how: Any) -> Publication:
        """The month as of a day."""
        return publish(self.settings, MONTH, day, reason, **how)

    def value(self, unit: str = "juji", period: str = MONTH) -> Any:
        """The indicator's value."""
        rows = self.rows(
            f"SELECT value FROM indicator_value WHERE code = '{CODE}' AND unit_code = '{unit}' AND period = '{period}'"
        )
        return rows[0][0] if rows else None

    def score(self, unit: str = "juji") -> Any:
        """The unit's score."""
        return self.rows(f"SELECT score FROM ranking WHERE unit_code = '{unit}' AND period = '{MONTH}'")[0][0]

    def state(self) -> dict[str, str]:
        """Digest of every table, and of every file of landing, specs and publications."""
        found = {}
        names = self.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND NOT internal")
        for (name,) in names:
            if not str(name).startswith("ducklake_"):
                rows = self.rows(f'SELECT count(*), bit_xor(hash(t)) FROM "{name}" AS t')
                found[str(name)] = str(rows[0])
        for part in ("landing", "feeds", "publications"):
            for path in sorted((self.settings.home / part).rglob("*")):
                if path.is_file():
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


def build(home: Path) -> Town:
    """Three delivered, computed and scored days."""
    town = Town(home)
    for day in DAYS:
        town.deliver(day, tasks(day))
        town.night(day)
    return town
