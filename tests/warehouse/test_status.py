"""One screen: what is missing, since when, whose move."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

import duckdb
import pytest

from cityhub.clock import SHANGHAI
from cityhub.errors import Retry, Stop
from cityhub.settings import Settings
from tests.warehouse.made import snapshots, spec
from tests.warehouse.test_ledger import LOAD
from warehouse import lake, ledger
from warehouse.status import WORDS, of_day, status, word

Con = duckdb.DuckDBPyConnection
DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 21, 12, tzinfo=SHANGHAI)
LAMP, POLE, GATE, GAS = spec("lighting.lamp"), spec("lighting.pole"), spec("water.gate"), spec("gas.alarm")


@pytest.fixture
def city(con: Con, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Con:
    """Two days of four feeds: on the 19th all came but the gate, on the 20th only the lamp; gas is held."""
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-20T03:00:00+08:00")
    specs = [LAMP, POLE, GATE, GAS]
    before = DAY - timedelta(days=1)
    with lake.write(con, settings, "the 19th"):
        for place, (name, zh) in enumerate({"lighting": "智慧路灯", "gas": "智慧燃气", "water": "智慧供水"}.items()):
            con.execute(f"INSERT INTO platform VALUES ('{name}', '{zh}', '{name}', NULL, {place})")
        ledger.expect(con, specs, before)
        for each in (LAMP, POLE, GAS):
            moment = NOON - timedelta(days=1)
            ledger.record_load(con, each, before, replace(LOAD, started_at=moment, finished_at=moment))
    ledger.record_failure(settings, GATE, before, Retry("CH-LAKE-004", lock="x", seconds=1))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T03:00:00+08:00")
    with lake.write(con, settings, "the 20th"):
        ledger.expect(con, specs, DAY)
        ledger.record_load(con, LAMP, DAY, LOAD)
        ledger.record_load(con, GAS, DAY, LOAD)
        ledger.set_state(con, GAS.feed, DAY, "held", reason="mean out of range")
    ledger.record_failure(settings, GATE, DAY, Retry("CH-LAKE-004", lock="x", seconds=1))
    return con


def test_it_says_what_is_missing_since_when_and_whose_move(city: Con) -> None:
    found = of_day(city, DAY, NOON)
    said = {feed.feed: (feed.word, feed.word_zh, feed.days_without) for feed in found.feeds}
    assert said == {
        "lighting.lamp": ("fresh", "正常", 0),
        "lighting.pole": ("late", "迟到", 1),
        "gas.alarm": ("held", "待核", 1),
        "water.gate": ("failed", "失败", 2),
    }
    assert [action.feed for action in found.actions] == ["water.gate", "gas.alarm", "lighting.pole"]
    gate, gas, pole = found.actions
    assert gate.since == datetime(2026, 11, 20, 3, tzinfo=SHANGHAI), "since it first failed, a day ago"
    assert (gate.last_data, gate.whose_move and gate.whose_move[:13]) == (None, "data engineer")
    assert (gas.error, gas.last_day) == ("mean out of range", DAY - timedelta(days=1))
    assert pole.since == datetime(2026, 11, 21, 6, tzinfo=SHANGHAI), "since it was due"
    assert (pole.error, pole.whose_move) == ("nothing has come", "城管局 张三 0371-1")
    assert pole.last_data == NOON - timedelta(days=1)


def test_platforms_stand_in_their_order_with_their_worst_word(city: Con) -> None:
    platforms = {each.platform: each for each in of_day(city, DAY, NOON).platforms}
    assert list(platforms) == ["lighting", "gas", "water"]
    lighting = platforms["lighting"]
    assert (lighting.name_zh, lighting.word, lighting.word_zh) == ("智慧路灯", "late", "迟到")
    assert (lighting.feeds, lighting.fresh, lighting.late) == (2, 1, 1)
    assert (lighting.landed, lighting.quarantined) == (10, 1)
    assert platforms["water"].failed == 1


def test_words_follow_the_clock() -> None:
    due = datetime(2026, 11, 21, 6, tzinfo=SHANGHAI)
    moments = [due, due + timedelta(minutes=1), due + timedelta(days=1, minutes=1)]
    assert [word("expected", due, moment) for moment in moments] == ["expected", "late", "missing"]
    assert {word(state, due, moments[2]) for state in ledger.STATES} <= set(WORDS)


def test_before_it_is_due_nobody_has_to_act(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "expect"):
        ledger.expect(con, [LAMP], DAY)
    found = of_day(con, DAY, datetime(2026, 11, 21, 2, tzinfo=SHANGHAI))
    assert [feed.word for feed in found.feeds] == ["expected"]
    assert found.actions == ()


def test_a_failure_after_a_good_load_is_no_plain_fine(city: Con, settings: Settings) -> None:
    ledger.record_failure(settings, LAMP, DAY, Stop("CH-FEED-002", folder="/f", near="x"))
    lamp = next(each for each in of_day(city, DAY, NOON).actions if each.feed == LAMP.feed)
    assert (lamp.word, lamp.word_zh) == ("stale", "有数据，最近取数失败")
    assert (lamp.loaded, lamp.error_code) == (LOAD.loaded, "CH-FEED-002")
    platform = next(each for each in of_day(city, DAY, NOON).platforms if each.platform == "lighting")
    assert (platform.stale, platform.fresh) == (1, 0)


def test_the_newest_day_is_meant_when_none_is_named(city: Con, settings: Settings) -> None:
    before = snapshots(city)
    assert status(settings).day == DAY
    assert status(settings, DAY - timedelta(days=1)).day == DAY - timedelta(days=1)
    assert snapshots(city) == before
    json.dumps(asdict(status(settings)), default=str)


def test_an_empty_ledger_and_no_warehouse(con: Con, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", NOON.isoformat())
    assert (status(settings).day, status(settings).platforms) == (DAY, ())
    with pytest.raises(Stop) as stopped:
        status(replace(settings, catalog=str(settings.home / "nowhere.sqlite")))
    assert stopped.value.code == "CH-LAKE-003"


def test_a_lake_without_tables_yet_is_no_warehouse(settings: Settings) -> None:
    lake.connect(settings).close()
    with pytest.raises(Stop) as stopped:
        status(settings)
    assert stopped.value.code == "CH-LAKE-003"
