"""What the tests of the load share: a hub in a folder, specs in a few words, deliveries landed from Python values."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake, migrate, tables
from warehouse.landing import Delivery, Format, Manifest
from warehouse.load import LoadResult, load

DAY = date(2026, 11, 20)
NOW = "2026-11-21T01:15:00+08:00"


def settings_in(home: Path) -> Settings:
    """An installation in a folder of its own."""
    return Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


def feed(fields: dict[str, Any], **more: Any) -> FeedSpec:
    """A spec around some fields; the key is `id` unless told."""
    body: dict[str, Any] = {
        "feed": "muck.trial",
        "title": {"zh": "试", "en": "trial"},
        "platform": "muck",
        "table": "mk_trial",
        "description": "Rows of a test.",
        "owner": {"department": "城管局", "person": "张三", "phone": "0371-0000"},
        "source": {"kind": "rest", "address": "http://127.0.0.1"},
        "identity": {"key": ["id"]},
        "arrives": {"min_rows": 0},
        "fields": {"id": {"from": "id"}, **fields},
    }
    return FeedSpec.model_validate(body | more)


WRITTEN = (
    "quarantine", "delivery", "load_log", "dirty_day", "feed_cursor", "registry_history", "tombstone", "finding",
)  # fmt: skip


@dataclass
class Hub:
    """A hub with the tables of some specs. It keeps one connection: opening one costs a third of a second."""

    settings: Settings
    made: set[str] = field(default_factory=set)

    @cached_property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection of the test itself."""
        return lake.connect(self.settings)

    def prepare(self, *specs: FeedSpec) -> None:
        """Make core tables and the tables of these specs."""
        migrate.migrate(self.con, self.settings)
        if specs:
            with lake.write(self.con, self.settings, "prepare"):
                for spec in specs:
                    tables.ensure(self.con, spec)
                    self.made.add(spec.table)

    def reset(self) -> None:
        """As after `prepare()` with no specs."""
        with lake.write(self.con, self.settings, "reset"):
            for table in self.made:
                self.con.execute(f"DROP TABLE {table}")
            for table in WRITTEN:
                self.con.execute(f"DELETE FROM {table}")
        self.made.clear()
        for folder in (self.settings.landing, self.settings.home / "tmp"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Another connection to the lake, closed afterwards."""
        con = lake.connect(self.settings)
        try:
            yield con
        finally:
            con.close()

    def land(
        self,
        spec: FeedSpec,
        *pages: bytes | Iterable[dict[str, Any]],
        day: date = DAY,
        form: Format = "json",
        columns: tuple[str, ...] = (),
        set_up: Callable[[Delivery], None] | None = None,
    ) -> Manifest:
        """Land pages: bytes as they are, records as a JSON array."""
        with Delivery(self.settings.landing, spec.feed, day) as delivery:
            if set_up is not None:
                set_up(delivery)
            for page in pages:
                body = page if isinstance(page, bytes) else json.dumps(list(page), ensure_ascii=False).encode()
                delivery.add(body, form, request="test", columns=columns)
        assert delivery.manifest is not None
        return delivery.manifest

    def load(self, spec: FeedSpec, *pages: Any, **how: Any) -> LoadResult:
        """Land and load."""
        result = load(self.settings, spec, self.land(spec, *pages, **how), con=self.con)
        assert result.landed == result.loaded + result.duplicate + result.quarantined
        assert result.loaded == result.inserted + result.updated + result.unchanged
        return result

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self.con.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The one value of a query."""
        ((value,),) = self.rows(sql)
        return value

    def reasons(self) -> dict[str, tuple[str, str | None]]:
        """Natural key of each quarantined row → reason and field."""
        return {key: (reason, name) for key, reason, name in self.rows(
            "SELECT natural_key, reason, field FROM quarantine"
        )}  # fmt: skip
