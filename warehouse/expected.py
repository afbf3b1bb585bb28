"""What the hub makes of a few records: the real readers, mapping and checks in memory, nothing of a warehouse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.landing import Delivery
from warehouse.names import identifier, identifiers
from warehouse.stage import staged


def expected(spec: FeedSpec, records: Sequence[dict[str, Any]], day: date) -> list[dict[str, Any] | None]:
    """For each record the values that it would be stored with, None where it would be refused.

    Values of personal fields are left out (they depend on the installation's key), values that are missing too.
    """
    names = [name for name, field in spec.fields.items() if field.personal == "no"]
    plain = {name: field.model_copy(update={"personal": "no"}) for name, field in spec.fields.items()}
    copy = spec.model_copy(update={"fields": plain})
    with TemporaryDirectory(prefix="cityhub-expected-") as folder:
        home = Path(folder)
        settings = Settings(home, home / "feeds", "", "")
        con = duckdb.connect(config={"threads": "1", "autoinstall_known_extensions": "false"})
        try:
            con.execute("SET TimeZone = 'Asia/Shanghai'; SET enable_progress_bar = false; ATTACH ':memory:' AS lake")
            _parent(con, spec)
            return [_one(con, settings, copy, [*names, "unit_code"], record, day) for record in records]
        finally:
            con.close()


def _one(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    names: list[str],
    record: dict[str, Any],
    day: date,
) -> dict[str, Any] | None:
    with Delivery(settings.landing, spec.feed, day) as delivery:
        delivery.add(json.dumps([record], ensure_ascii=False, default=str).encode(), "json", request="example")
    assert delivery.manifest is not None
    with staged(con, settings, spec, delivery.manifest) as stage:
        found = con.execute(f"SELECT __bad, {identifiers(names)} FROM temp.hub_stage").fetchone()
        if stage.rejects or found is None or found[0] is not None:
            return None
    return {name: _shown(value) for name, value in zip(names, found[1:], strict=True) if value is not None}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _parent(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> None:
    """An empty parent table: a trial knows no unit of it."""
    if spec.unit.by == "lookup" and spec.unit.table and spec.unit.key:
        columns = f"{identifier(spec.unit.key)} VARCHAR, unit_code VARCHAR, _version TIMESTAMPTZ"
        con.execute(f"CREATE TABLE lake.{identifier(spec.unit.table)} ({columns})")
