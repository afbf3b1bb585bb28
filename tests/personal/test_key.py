"""The key of the hash: a lost or changed one is noticed before a person counts twice, and can be accepted."""

from __future__ import annotations

import json

import pytest

from cityhub.errors import Stop
from tests.load.kit import DAY, Hub
from tests.personal.planted import KEY, PHONE, land, spec
from warehouse.landing import Delivery
from warehouse.load import load
from warehouse.personal import key
from warehouse.prepared import stamps

REST = {"kind": "rest", "address": "http://127.0.0.1"}


def row(number: int, phone: str = PHONE) -> bytes:
    return json.dumps([{"id": str(number), "tel": phone, "xm": "", "sfz": "", "plate": "", "kpa": "1"}]).encode()


def test_another_key_is_noticed_and_nothing_is_hashed_with_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = spec(REST)
    hub.prepare(feed)
    key.note(hub.con, hub.settings)
    assert load(hub.settings, feed, land(hub.settings, feed, row(1), "json", day=DAY), con=hub.con).loaded == 1
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "made anew")
    with pytest.raises(Stop, match="CH-PERS-001") as caught:
        key.check(hub.con, feed)
    assert KEY not in str(caught.value) and "made anew" not in str(caught.value)
    with pytest.raises(Stop, match="CH-PERS-001"):  # whoever landed it all the same
        load(hub.settings, feed, land(hub.settings, feed, row(2), "json", day=DAY), con=hub.con)
    assert hub.one("SELECT count(*) FROM case_call") == 1
    before, now = key.accept(hub.con, hub.settings)
    assert before == key.fingerprint(KEY) and now == key.fingerprint("made anew")
    assert load(hub.settings, feed, land(hub.settings, feed, row(3), "json", day=DAY), con=hub.con).loaded == 1


def test_a_delivery_that_landed_in_clear_is_still_hashed_by_the_load(hub: Hub) -> None:
    """As deliveries did before there was an edge."""
    feed = spec(REST)
    hub.prepare(feed)
    with Delivery(hub.settings.landing, feed.feed, DAY) as delivery:
        delivery.add(row(1), "json", request="test")
    assert delivery.manifest is not None and delivery.manifest.protected == {}
    load(hub.settings, feed, delivery.manifest, con=hub.con)
    load(hub.settings, feed, land(hub.settings, feed, row(2), "json", day=DAY), con=hub.con)
    assert hub.one("SELECT count(DISTINCT phone) FROM case_call") == 1
    assert hub.one("SELECT count(*) FROM case_call") == 2


def test_a_token_that_a_source_sends_is_text_like_any_other(hub: Hub) -> None:
    feed = spec(REST)
    hub.prepare(feed)
    forged = "~hub:h::" + "0" * 64
    load(hub.settings, feed, land(hub.settings, feed, row(1, forged), "json", day=DAY), con=hub.con)
    assert hub.rows("SELECT phone FROM case_call") == []
    assert hub.one("SELECT reason FROM quarantine") == "pattern"
    assert forged[8:] not in str(hub.rows("SELECT * FROM quarantine"))


def test_the_fingerprint_is_noted_once(hub: Hub) -> None:
    hub.prepare()
    key.note(hub.con, hub.settings)
    snapshot = hub.one("SELECT id FROM ducklake_current_snapshot('lake')")
    key.note(hub.con, hub.settings)
    assert hub.one("SELECT id FROM ducklake_current_snapshot('lake')") == snapshot
    assert stamps(hub.con)[key.PART] == key.fingerprint(KEY)
