"""Invariant 3 for any mix of rows: landed = loaded + duplicate + quarantined, and no good row is ever lost."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.load.kit import DAY, Hub, feed
from warehouse.load import load

SPEC = feed(
    {
        "ts": {"from": "ts", "type": "timestamp"},
        "v": {"from": "v", "type": "double", "min": 0, "max": 100},
        "rev": {"from": "rev", "type": "integer"},
    },
    identity={"key": ["id", "ts"], "day_from": "ts", "version": "rev"},
)
TIMES = [f"{DAY + timedelta(days=day)} 0{hour}:00:00" for day, hour in itertools.product((-1, 0), (1, 2))]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["A", "B", None, " "]),
            "ts": st.sampled_from([*TIMES, "soon", None]),
            "v": st.sampled_from(["1", "2", "-3", "x", None, "１００"]),
            "rev": st.sampled_from([1, 2, 3]),
        }
    ),
    max_size=25,
)
Key = tuple[str, str]


def good(row: dict[str, Any]) -> bool:
    return row["id"] in {"A", "B"} and row["ts"] in TIMES and row["v"] in {"1", "2", None, "１００"}


def model(stored: dict[Key, tuple[int, Any]], rows: list[dict[str, Any]]) -> dict[Key, tuple[int, Any]]:
    """What must be stored: of each key the greatest revision, of equal ones the last."""
    after = dict(stored)
    for row in rows:
        key = (row["id"], row["ts"])
        if good(row) and (key not in after or row["rev"] >= after[key][0]):
            after[key] = (row["rev"], None if row["v"] is None else float(row["v"]))
    return after


@pytest.fixture
def prepared(hub: Hub) -> Hub:
    hub.prepare(SPEC)
    return hub


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=st.lists(ROWS, min_size=1, max_size=2), cut=st.integers(0, 25))
def test_any_mix_of_rows(prepared: Hub, deliveries: list[list[dict[str, Any]]], cut: int) -> None:
    hub, stored = prepared, dict[Key, tuple[int, Any]]()
    con = hub.con
    con.execute("DELETE FROM mk_trial; DELETE FROM delivery; DELETE FROM load_log; DELETE FROM quarantine")
    for rows in deliveries:
        manifest = hub.land(SPEC, rows[:cut], rows[cut:])
        result = load(hub.settings, SPEC, manifest, con=con)
        if not result.repeated:
            assert result.landed == len(rows)
            assert result.quarantined == len({frozenset(row.items()) for row in rows if not good(row)})
            assert result.landed == result.loaded + result.duplicate + result.quarantined
            stored = model(stored, rows)
        found = con.execute(
            "SELECT id, strftime(ts, '%Y-%m-%d %H:%M:%S'), rev, v, service_day FROM mk_trial"
        ).fetchall()
        assert {(row[0], row[1]): (row[2], row[3]) for row in found} == stored
        assert len(found) == len(stored)
        assert all(row[1].startswith(str(row[4])) for row in found)
        again = load(hub.settings, SPEC, manifest, con=con)
        assert again.repeated
        counts = ("landed", "loaded", "duplicate", "quarantined", "inserted", "updated", "unchanged")
        if not result.repeated:
            assert [getattr(again, name) for name in counts] == [getattr(result, name) for name in counts]
            # The same rows in other bytes: counted again, written never.
            other = replace(manifest, load_id=manifest.load_id + "x", parts=manifest.parts[::-1])
            more = load(hub.settings, SPEC, other, con=con)
            assert (more.landed, more.quarantined, more.inserted) == (result.landed, result.quarantined, 0)
