"""Which rows go to quarantine, why, and what of them can be seen there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.load.kit import DAY, Hub, feed
from warehouse import quarantine

SPEC = feed(
    {
        "ts": {"from": "t", "type": "timestamp"},
        "speed": {"from": "v", "type": "double", "min": 0, "max": 200},
        "count": {"from": "n", "type": "integer"},
        "done": {"from": "d", "type": "boolean"},
        "due": {"from": "due", "type": "date"},
        "kind": {"from": "k", "codes": {"1": "sweeper"}},
        "plate": {"from": "p", "pattern": "豫[A-Z][0-9A-Z]{5}"},
        "company": {"from": "c", "required": True},
        "lon": {"from": "x", "type": "double"},
        "lat": {"from": "y", "type": "double"},
    },
    identity={"key": ["id"], "day_from": "ts"},
    location={"system": "wgs84"},
)
GOOD: dict[str, Any] = {
    "t": "2026-11-20 08:00:00", "v": "40", "n": "3", "d": "1", "due": "2026-12-01", "k": "1", "p": "豫B12345",
    "c": "一公司", "x": "114.78", "y": "34.55",
}  # fmt: skip
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "number": ({"v": "fast"}, "not_a_number", "speed"),
    "range": ({"v": "201"}, "out_of_range", "speed"),
    "negative": ({"v": "-0.5"}, "out_of_range", "speed"),
    "fraction": ({"n": "1.5"}, "not_an_integer", "count"),
    "boolean": ({"d": "maybe"}, "not_a_boolean", "done"),
    "date": ({"due": "2026-02-30"}, "not_a_date", "due"),
    "time": ({"t": "yesterday"}, "not_a_time", "ts"),
    "no_time": ({"t": None}, "missing_required", "ts"),
    "future": ({"t": "2026-11-22 08:00:00"}, "future_time", "ts"),
    "clock_never_set": ({"t": "1980-01-06 00:00:00"}, "out_of_range", "ts"),
    "code": ({"k": "7"}, "unknown_code", "kind"),
    "pattern": ({"p": "豫B1"}, "pattern", "plate"),
    "missing": ({"c": " -- "}, "missing_required", "company"),
    "null_island": ({"x": 0, "y": 0}, "bad_position", "lon"),
    "swapped": ({"x": "34.55", "y": "114.78"}, "bad_position", "lon"),
}


def test_each_reason(hub: Hub) -> None:
    hub.prepare(SPEC)
    rows = [{"id": name, **GOOD, **change} for name, (change, _, _) in BAD.items()]
    result = hub.load(SPEC, [*rows, {"id": "good", **GOOD}, {"id": None, **GOOD}])
    assert (result.landed, result.inserted, result.quarantined) == (len(BAD) + 2, 1, len(BAD) + 1)
    wanted = {name: (reason, column) for name, (_, reason, column) in BAD.items()}
    assert hub.reasons() == wanted | {"": ("missing_required", "id")}
    assert hub.rows("SELECT id, kind, done, count FROM mk_trial") == [("good", "sweeper", True, 3)]


def test_missing_optional_values_are_no_fault(hub: Hub) -> None:
    hub.prepare(SPEC)
    empty = dict.fromkeys(GOOD, "") | {"t": GOOD["t"], "c": "x"}
    result = hub.load(SPEC, [{"id": "a", **empty}, {"id": "b", "t": GOOD["t"], "c": "x"}])
    assert result.inserted == 2
    assert hub.rows("SELECT DISTINCT speed, count, done, due, kind, plate, lon_wgs84, _flags FROM mk_trial") == [
        (None,) * 8
    ]


def test_a_row_with_several_faults_is_one_row(hub: Hub) -> None:
    hub.prepare(SPEC)
    result = hub.load(SPEC, [{"id": "a", **GOOD, "v": "fast", "n": "1.5", "k": "9"}])
    assert result.quarantined == 1
    ((place, reason, name, value, raw),) = hub.rows("SELECT place, reason, field, value, raw FROM quarantine")
    assert (place, reason, name, value) == ("000001.json.zst:1", "not_a_number", "speed", "fast")
    content = json.loads(raw)
    assert content["v"] == "fast" and content["c"] == "一公司"
    assert [(item["reason"], item["field"]) for item in content["_reasons"]] == [
        ("not_a_number", "speed"), ("not_an_integer", "count"), ("unknown_code", "kind"),
    ]  # fmt: skip


def test_bad_values_may_be_emptied_instead(hub: Hub) -> None:
    spec = feed(
        {
            "v": {"from": "v", "type": "double", "max": 200, "if_bad": "null"},
            "k": {"from": "k", "codes": {"1": "one"}, "unknown_code": "null"},
            "lon": {"from": "x", "type": "double", "if_bad": "null"},
            "lat": {"from": "y", "type": "double", "if_bad": "null"},
        },
        location={"system": "gcj02"},
    )
    hub.prepare(spec)
    rows = [
        {"id": "1", "v": "999", "k": "1", "x": 114.78, "y": 34.55},
        {"id": "2", "v": "x", "k": "8", "x": 0, "y": 0},
        {"id": "3", "v": "5", "k": "1", "x": "?", "y": 34.55},
    ]
    result = hub.load(spec, rows)
    assert (result.inserted, result.flagged, result.quarantined) == (3, 3, 0)
    assert hub.rows("SELECT id, v, k, lon, lon_wgs84 IS NULL, _flags FROM mk_trial ORDER BY id") == [
        ("1", None, "one", 114.78, False, "out_of_range:v"),
        ("2", None, None, None, True, "not_a_number:v,unknown_code:k,bad_position"),
        ("3", 5.0, "one", None, True, "not_a_number:lon"),
    ]


def test_a_required_or_key_value_is_never_emptied(hub: Hub) -> None:
    spec = feed({"n": {"from": "n", "type": "integer", "required": True, "if_bad": "null"}})
    hub.prepare(spec)
    assert hub.load(spec, [{"id": "1", "n": "x"}]).quarantined == 1


def test_unit_by_code_and_unknown_district(hub: Hub) -> None:
    spec = feed({"district": {"from": "q"}}, unit={"by": "code", "field": "district", "codes": {"01": "jincheng"}})
    hub.prepare(spec)
    assert hub.load(spec, [{"id": "1", "q": "０１"}, {"id": "2", "q": "77"}, {"id": "3", "q": None}]).inserted == 3
    assert hub.rows("SELECT id, unit_code, _flags FROM mk_trial ORDER BY id") == [
        ("1", "jincheng", None), ("2", None, "unknown_unit"), ("3", None, None),
    ]  # fmt: skip


def test_unit_by_lookup_also_when_the_registry_comes_later(hub: Hub) -> None:
    parent = feed(
        {"district": {"from": "q"}}, feed="muck.parent", table="mk_parent",
        unit={"by": "code", "field": "district", "codes": {"01": "jincheng"}},
    )  # fmt: skip
    child = feed({"site": {"from": "s"}}, unit={"by": "lookup", "field": "site", "table": "mk_parent", "key": "id"})
    hub.prepare(parent, child)
    hub.load(parent, [{"id": "A", "q": "01"}])
    assert hub.load(child, [{"id": "1", "s": "A"}, {"id": "2", "s": "B"}]).inserted == 2
    wanted = "SELECT id, unit_code FROM mk_trial ORDER BY id"
    assert hub.rows(wanted) == [("1", "jincheng"), ("2", None)]
    assert hub.load(child, [{"id": "1", "s": "A"}, {"id": "2", "s": "B"}]).repeated
    hub.load(parent, [{"id": "A", "q": "01"}, {"id": "B", "q": "01"}])
    again = hub.load(child, [{"id": "1", "s": "A"}, {"id": "2", "s": "B"}])
    assert (again.repeated, again.updated, again.unchanged) == (False, 1, 1)
    assert hub.rows(wanted) == [("1", "jincheng"), ("2", "jincheng")]


def test_quarantine_is_written_once_and_listed(hub: Hub) -> None:
    hub.prepare(SPEC)
    bad, worse = ({"id": name, **GOOD, "v": "fast"} for name in "ac")
    assert hub.load(SPEC, [bad, worse, {"id": "b", **GOOD}]).quarantined == 2
    assert hub.one("SELECT count(*) FROM quarantine") == 2
    again = hub.load(SPEC, [bad, {"id": "b", **GOOD}], [worse])  # other pages, same rows
    assert (again.repeated, again.quarantined, again.unchanged) == (False, 2, 1)
    assert hub.one("SELECT count(*) FROM quarantine") == 2
    con = hub.con
    (line,) = quarantine.summary(con, day=DAY)
    assert (line.feed, line.reason, line.field, line.rows, line.sample) == (
        "muck.trial", "not_a_number", "speed", 2, "fast",
    )  # fmt: skip
    assert line.owner == "城管局 张三 0371-0000"
    assert [row.place for row in quarantine.refused(con, feed="muck.trial")] == [
        "000001.json.zst:1",
        "000001.json.zst:2",
    ]
    assert quarantine.refused(con, reason="pattern") == []


@pytest.mark.parametrize("kind", ["hash", "mask", "drop"])
def test_personal_fields_are_nowhere_in_clear(hub: Hub, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "only the hub knows")
    spec = feed(
        {"phone": {"from": "tel", "personal": kind, "pattern": "1[0-9]{10}"}, "n": {"from": "n", "type": "integer"}}
    )
    hub.prepare(spec)
    number, wrong = "13812345678", "138-1234-5678"
    result = hub.load(
        spec,
        [{"id": "1", "tel": number, "n": 1}, {"id": "2", "tel": number, "n": "x"}, {"id": "3", "tel": wrong, "n": 1},
         {"id": "4", "tel": " " + number, "n": 4}],
    )  # fmt: skip
    assert (result.inserted, result.quarantined) == (2, 2)
    everything = str(hub.rows("SELECT * FROM mk_trial")) + str(hub.rows("SELECT * FROM quarantine"))
    assert number not in everything and wrong not in everything and "only the hub" not in everything
    for path in (hub.settings.home / "lake").rglob("*"):
        if path.is_file():
            assert number.encode() not in path.read_bytes(), path
    if kind == "hash":
        ((one, two),) = hub.rows("SELECT min(phone), max(phone) FROM mk_trial")
        assert one == two and len(one) == 64


def test_personal_key_must_be_known(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cityhub.errors import Stop

    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))  # no key that another test made for itself
    monkeypatch.delenv("CITYHUB_PERSONAL_KEY", raising=False)
    monkeypatch.setenv("CITYHUB_SECRETS", str(hub.settings.home / "none"))
    spec = feed({"phone": {"from": "tel", "personal": "hash"}})
    hub.prepare(spec)
    with pytest.raises(Stop, match="CH-CONF-001"):
        hub.load(spec, [{"id": "1", "tel": "1"}])
    assert hub.one("SELECT count(*) FROM mk_trial") == 0
