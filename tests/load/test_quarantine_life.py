"""The life of a refused row: open until a later delivery brings it right, a rule changes, or somebody lets it go."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from cityhub.errors import Usage
from cityhub.spec.feed import FeedSpec
from tests.load.kit import DAY, Hub, feed
from warehouse.load import load
from warehouse.quarantine import Which, chosen, one, summary
from warehouse.quarantine_waive import reopen_expired, waive

FACT = feed(
    {"ts": {"from": "ts", "type": "timestamp"}, "v": {"from": "v", "type": "double", "max": 90}},
    identity={"key": ["id", "ts"], "day_from": "ts"},
)
REGISTER = feed({"v": {"from": "v", "type": "double", "max": 90}}, identity={"key": ["id"], "deletes": "full_compare"})


def row(name: str, v: Any, at: str = "2026-11-20 08:00:00") -> dict[str, Any]:
    return {"id": name, "ts": at, "v": v}


def wider(spec: FeedSpec, most: float = 200) -> FeedSpec:
    changed = spec.fields["v"].model_copy(update={"max": most})
    return spec.model_copy(update={"fields": {**spec.fields, "v": changed}})


def states(hub: Hub) -> dict[str, str]:
    return dict(hub.rows("SELECT natural_key.split('|')[1], state FROM quarantine"))


def dirty(hub: Hub) -> set[date]:
    found = {day for (day,) in hub.rows("SELECT service_day FROM dirty_day WHERE table_name = 'mk_trial'")}
    hub.con.execute("DELETE FROM dirty_day")
    return found


def test_a_later_delivery_with_the_key_in_order_fixes_it(hub: Hub) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 500), row("B", 500), row("C", 1)])
    assert states(hub) == {"A": "open", "B": "open"}
    dirty(hub)
    second = hub.load(FACT, [row("A", 5), row("X", 5)], day=DAY + timedelta(days=1))
    assert second.fixed == 1 and states(hub) == {"A": "fixed", "B": "open"}
    assert hub.one("SELECT state_by FROM quarantine WHERE state = 'fixed'") == second.load_id
    assert DAY in dirty(hub)


def test_the_same_key_in_another_way_of_writing_is_the_same_key(hub: Hub) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 500)])
    assert hub.load(FACT, [row(" Ａ ", 5, "2026-11-20T08:00:00+08:00")]).fixed == 1


def test_a_delivery_of_before_fixes_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.prepare(FACT)
    early = hub.land(FACT, [row("A", 5), row("B", 1)])
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T02:15:00+08:00")
    hub.load(FACT, [row("A", 500)])
    assert load(hub.settings, FACT, early, con=hub.con).fixed == 0
    assert states(hub) == {"A": "open"}


def test_a_bad_row_that_comes_late_is_fixed_already(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.prepare(FACT)
    early = hub.land(FACT, [row("A", 500)])
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T02:15:00+08:00")
    newer = hub.load(FACT, [row("A", 5)])
    assert load(hub.settings, FACT, early, con=hub.con).quarantined == 1
    assert hub.rows("SELECT state, state_by FROM quarantine") == [("fixed", newer.load_id)]


def test_a_row_that_is_bad_once_more_is_open_again(hub: Hub) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 500)])
    hub.load(FACT, [row("A", 5)])
    assert states(hub) == {"A": "fixed"}
    third = hub.load(FACT, [row("A", 500), row("B", 1)])
    assert third.reopened == 1 and states(hub) == {"A": "open"}
    assert hub.one("SELECT last_load_id FROM quarantine") == third.load_id
    assert hub.one("SELECT count(*) FROM quarantine") == 1


def test_a_key_that_a_full_list_has_no_more_is_settled(hub: Hub) -> None:
    hub.prepare(REGISTER)
    hub.load(REGISTER, [row("A", 500), row("B", 1)])
    assert hub.load(REGISTER, [row("B", 1), row("C", 1)], day=DAY + timedelta(days=1)).fixed == 1
    assert hub.rows("SELECT state, state_reason FROM quarantine") == [("fixed", "the source no longer has it")]


def test_a_changed_rule_releases_what_passes_and_keeps_the_rest_with_its_new_reason(hub: Hub) -> None:
    hub.prepare(FACT)
    manifest = hub.land(FACT, [row("A", 100), row("B", 900), row("C", 1)])
    load(hub.settings, FACT, manifest, con=hub.con)
    numbers = wider(FACT)
    text = numbers.fields["id"].model_copy(update={"pattern": "[AC]"})
    changed = numbers.model_copy(update={"fields": {**numbers.fields, "id": text}})
    result = load(hub.settings, changed, manifest, con=hub.con)
    assert (result.released, result.quarantined, result.inserted) == (1, 1, 1)
    assert hub.rows("SELECT natural_key[1], reason, field, state FROM quarantine ORDER BY 1") == [
        ("A", "out_of_range", "v", "released"), ("B", "pattern", "id", "open"),
    ]  # fmt: skip
    assert hub.rows("SELECT landed, loaded, duplicate, quarantined FROM delivery") == [(3, 2, 0, 1)]
    assert load(hub.settings, changed, manifest, con=hub.con).repeated


def test_a_source_that_sends_all_twice_leaves_one_case_of_each_refused_row(hub: Hub) -> None:
    hub.prepare(FACT)
    rows = [row("A", 500), row("B", 1), row("C", "?")]
    manifest = hub.land(FACT, rows + rows)
    once = load(hub.settings, FACT, manifest, con=hub.con)
    assert (once.landed, once.loaded, once.duplicate, once.quarantined) == (6, 1, 3, 2)
    assert states(hub) == {"A": "open", "C": "open"}
    wide = load(hub.settings, wider(FACT, 600), manifest, con=hub.con)
    assert (wide.loaded, wide.duplicate, wide.quarantined, wide.released) == (2, 3, 1, 1)
    assert states(hub) == {"A": "released", "C": "open"}


def test_two_rows_of_a_reason_are_two_cases_and_one_of_them_can_pass(hub: Hub) -> None:
    hub.prepare(FACT)
    manifest = hub.land(FACT, [row("A", 500), row("A", 600), row("A", 150)])
    assert load(hub.settings, FACT, manifest, con=hub.con).quarantined == 3
    result = load(hub.settings, wider(FACT), manifest, con=hub.con)
    assert (result.released, result.quarantined) == (1, 2)
    assert hub.rows("SELECT state, count(*) FROM quarantine GROUP BY ALL ORDER BY ALL") == [
        ("open", 2),
        ("released", 1),
    ]


def test_a_waiver_says_who_and_why_and_ends_on_its_day(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 500), row("B", 501)])
    dirty(hub)
    (first, _) = chosen(hub.con, Which())
    specs = {FACT.feed: FACT}
    for by, why in (("", "sensor is gone"), ("李四", " ")):
        with pytest.raises(Usage, match="CH-QUAR-002"):
            waive(hub.con, hub.settings, specs, Which(id=first.id), by=by, why=why)
    with pytest.raises(Usage, match="is over"):
        waive(hub.con, hub.settings, specs, Which(id=first.id), by="李四", why="x", until=DAY)
    until = DAY + timedelta(days=3)
    assert waive(hub.con, hub.settings, specs, Which(id=first.id), by="李四", why="sensor is gone", until=until) == 1
    waived = one(hub.con, first.id[:16])
    assert (waived.state, waived.state_by, waived.state_reason, waived.waived_until) == (
        "waived", "李四", "sensor is gone", until,
    )  # fmt: skip
    assert dirty(hub) == {DAY}
    assert sum(item.rows for item in summary(hub.con)) == 1 and len(chosen(hub.con, Which())) == 1
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-23T23:59:00+08:00")
    assert reopen_expired(hub.con, hub.settings, specs) == 0
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-24T00:00:00+08:00")
    assert reopen_expired(hub.con, hub.settings, specs) == 1
    assert len(chosen(hub.con, Which())) == 2 and dirty(hub) == {DAY}
    assert "李四" in (one(hub.con, first.id).state_reason or "")


def test_what_is_waived_and_comes_again_stays_waived(hub: Hub) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 500)])
    waive(hub.con, hub.settings, {FACT.feed: FACT}, Which(), by="李四", why="known")
    hub.load(FACT, [row("A", 500), row("B", 1)])
    assert states(hub) == {"A": "waived"}


def test_a_row_without_a_readable_key_waits_for_a_person(hub: Hub) -> None:
    hub.prepare(FACT)
    hub.load(FACT, [row("A", 5, "soon")])
    assert hub.load(FACT, [row("A", 5)]).fixed == 0
    assert states(hub) == {"A": "open"}
