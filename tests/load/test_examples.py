"""The examples in the feed specs are promises: each spec is loaded with them and must keep every one."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cityhub.settings import REPOSITORY
from cityhub.spec.feed import Example, FeedSpec
from cityhub.spec.read import read_all
from tests.load.kit import Hub
from warehouse.names import identifiers

SPECS = read_all(REPOSITORY / "feeds")


@pytest.mark.parametrize("name", sorted(name for name, spec in SPECS.items() if spec.examples))
def test_examples_of_the_spec(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "a key of the tests")
    spec = SPECS[name]
    hub.prepare(*[other for other in SPECS.values() if other.table == spec.unit.table], spec)
    # Examples of one key are versions of one row: each is a delivery of its own then.
    keys = [tuple(str(item.given.get(spec.fields[key].source)) for key in spec.identity.key) for item in spec.examples]
    if len(set(keys)) == len(keys):
        check(hub, spec, spec.examples)
    else:
        for example in spec.examples:
            check(hub, spec, [example])


def check(hub: Hub, spec: FeedSpec, examples: list[Example]) -> None:
    """The refused ones are refused for their reasons, each of the others is a row."""
    known = {row[0] for row in hub.rows("SELECT id FROM quarantine")}
    result = hub.load(spec, [example.given for example in examples])
    found = [row[1:] for row in hub.rows("SELECT id, reason, field, value FROM quarantine") if row[0] not in known]
    assert sorted(row[0] for row in found) == sorted(item.quarantine for item in examples if item.quarantine), found
    for example in examples:
        if example.quarantine is None:
            assert example.expect is not None
            columns = list(example.expect)
            rows = hub.rows(f"SELECT {identifiers(columns)} FROM {spec.table} WHERE _load_id = '{result.load_id}'")
            wanted = list(example.expect.values())
            assert any(all(map(same, row, wanted)) for row in rows), (dict(example.expect), rows)


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
