"""Landing under a clock that jumps and on a disk that lost what it said it had."""

import pytest

from cityhub.errors import Stop
from tests.load.kit import DAY, Hub, feed
from warehouse.landing import deliveries, new_load_id
from warehouse.load import load

SPEC = feed({"v": {"from": "v", "type": "integer"}})


def rows(value: int) -> list[dict[str, str]]:
    return [{"id": str(number), "v": str(value)} for number in range(300)]


def test_a_delivery_is_newer_than_the_one_before_even_when_the_clock_was_put_back(hub: Hub, monkeypatch):
    hub.prepare(SPEC)
    hub.load(SPEC, rows(1))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-19T01:00:00+08:00")
    result = hub.load(SPEC, rows(2))
    assert result.updated == 300
    assert hub.rows("SELECT DISTINCT v FROM mk_trial") == [(2,)]
    first, second = deliveries(hub.settings.landing / SPEC.feed / DAY.isoformat())
    assert first.load_id.partition("-")[0] < second.load_id.partition("-")[0]


def test_ids_of_one_feed_rise_by_a_millisecond_where_the_clock_stands_still():
    later = new_load_id("20991231T235959999-aaaa")
    assert later.partition("-")[0] == "21000101T000000000"


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("harm", [cut, lambda path: path.unlink()])
def test_a_body_that_the_disk_lost_is_landed_anew_when_it_comes_again(harm, hub: Hub):
    hub.prepare(SPEC)
    lost = hub.land(SPEC, rows(1))
    harm(lost.path(lost.parts[0]))
    with pytest.raises(Stop, match=r"CH-LOAD-00[13]"):
        load(hub.settings, SPEC, lost, con=hub.con)
    again = hub.land(SPEC, rows(1))
    assert again.load_id > lost.load_id
    assert load(hub.settings, SPEC, again, con=hub.con).loaded == 300


def test_a_body_that_the_disk_changed_is_an_error_and_no_other_number(hub: Hub):
    hub.prepare(SPEC)
    manifest = hub.land(SPEC, rows(1))
    path = manifest.path(manifest.parts[0])
    content = bytearray(path.read_bytes())
    for place in range(20, len(content) - 1, len(content) // 8):
        changed = bytes([*content[:place], content[place] ^ 0x10, *content[place + 1 :]])
        path.write_bytes(changed)
        with pytest.raises(Stop, match="CH-LOAD-001"):
            load(hub.settings, SPEC, manifest, con=hub.con)
    assert hub.rows("SELECT count(*) FROM mk_trial") == [(0,)]
