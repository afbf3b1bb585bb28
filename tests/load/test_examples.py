"""The examples in the feed specs are promises: each spec is loaded with them and must keep every one."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cityhub.settings import REPOSITORY
from cityhub.spec.feed import Example, FeedSpec
from cityhub.spec.read import read_all
from tests.load.kit import Hub
from warehouse.names import identifiers

SPECS = read_all(REPOSITORY / "feeds")


@pytest.mark.parametrize("name", sorted(SPECS))
def test_examples_of_the_spec(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "a key of the tests")
    # Values of several examples may share a key: each is a delivery, and a table, of its own.
    spec = SPECS[name]
    parents = [other for other in SPECS.values() if other.table == spec.unit.table]
    hub.prepare(*parents, spec)
    for example in spec.examples:
        check(hub, spec, example)


def check(hub: Hub, spec: FeedSpec, example: Example) -> None:
    before = {row[0] for row in hub.rows("SELECT id FROM quarantine")}
    result = hub.load(spec, [example.given])
    assert result.landed == 1
    if example.quarantine is not None:
        new = [row for row in hub.rows("SELECT id, reason, raw FROM quarantine") if row[0] not in before]
        assert result.quarantined == 1, example
        assert [row[1] for row in new] == [example.quarantine]
        return
    assert result.quarantined == 0, hub.rows("SELECT reason, field, value FROM quarantine")
    assert example.expect is not None
    columns = list(example.expect)
    rows = hub.rows(f"SELECT {identifiers(columns)} FROM {spec.table} WHERE _load_id = '{result.load_id}'")
    assert len(rows) == 1
    for column, found in zip(columns, rows[0], strict=True):
        assert same(found, example.expect[column]), (column, found, example.expect[column])


def same(found: Any, wanted: Any) -> bool:
    if wanted is None or found is None:
        return found is wanted
    if isinstance(found, datetime):
        moment = datetime.fromisoformat(str(wanted))
        return found == (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Asia/Shanghai")))
    if isinstance(found, date):
        return found.isoformat() == str(wanted)
    if isinstance(found, Decimal):
        return found == Decimal(str(wanted))
    if isinstance(found, float):
        return found == pytest.approx(float(str(wanted)), rel=1e-8)
    return bool(found == wanted)
