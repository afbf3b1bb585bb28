"""Emitters against the real sessions: what was sent arrives, once a natural key, and faults are what they say."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sandbox.emitters.content import Order
from sandbox.emitters.faults import _NOT_OF, NAMES, parse
from sandbox.emitters.run import Emission, emit, speech
from sensors.tcp.protocol import Dialect, Route
from tests.sandbox.sink import Sink

TCP = ("hj212", "jt808", "jt809")
CIPHER = {"m1": "10000019", "ia1": "20000003", "ic1": "30000001"}
IDENT = {"hj212": "mn", "jt808": "terminal_phone", "jt809": "vehicle_no"}
TIME = {"hj212": "data_time", "jt808": "time", "jt809": "time"}


def dialect(protocol: str, **options: Any) -> Dialect:
    name = f"{protocol.capitalize()}Dialect"
    return getattr(import_module(f"sensors.{protocol}.session"), name)((Route("feed"),), **options)


def order(protocol: str, *faults: str, devices: int = 3, seed: int = 7, **more: Any) -> Order:
    return Order(protocol, devices, seed, faults=parse(protocol, seed, faults), **more)


def how(sink: Sink, count: int = 60, **more: Any) -> Emission:
    return Emission("127.0.0.1", sink.port, 0, count, **{"timeout_s": 0.2, "patience_s": 20.0} | more)


def landed(protocol: str, sink: Sink) -> list[dict[str, Any]]:
    records = import_module(f"sensors.{protocol}.landing").records
    return [json.loads(line) for blob in sink.blobs for line in records(blob, "2026-11-20T08:00:00+08:00", "p")]


def keys(protocol: str, found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Device and time to the second, of records that have both."""
    pairs = ((each.get(IDENT[protocol]), each.get(TIME[protocol])) for each in found if "_problem" not in each)
    return {(ident, "".join(filter(str.isdigit, time))[:14]) for ident, time in pairs if ident and time}


def truth(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def wanted(file: Path) -> set[tuple[str, str]]:
    return {(each["ident"], "".join(filter(str.isdigit, each["time"]))[:14]) for each in truth(file) if each["time"]}


@pytest.mark.parametrize("protocol", TCP)
@pytest.mark.parametrize("edition", ["old", "new"])
def test_every_message_arrives_and_is_answered(protocol: str, edition: str, tmp_path: Path) -> None:
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol, edition=edition), how(sink, truth=tmp_path / "t"))
    assert (found["messages"], found["answered"], found["unanswered"]) == (60, 60, 0)
    assert keys(protocol, landed(protocol, sink)) == wanted(tmp_path / "t")
    assert len(wanted(tmp_path / "t")) == 60
    assert not [each for each in landed(protocol, sink) if "_problem" in each]


@pytest.mark.parametrize("protocol", TCP)
def test_cut_connections_lose_nothing(protocol: str, tmp_path: Path) -> None:
    with Sink(dialect(protocol), cut_after=[900, 2000, 3000, 1500, 700]) as sink:
        found = emit(order(protocol), how(sink, 300, truth=tmp_path / "t"))
    assert (found["answered"], found["unanswered"]) == (300, 0)
    assert found["connections"] > 3
    assert keys(protocol, landed(protocol, sink)) == wanted(tmp_path / "t")


@pytest.mark.parametrize("protocol", TCP)
def test_same_seed_same_bytes(protocol: str) -> None:
    faults = [f"{name}@0.2" for name in NAMES if name not in _NOT_OF[protocol] | {"wrong_password"}]

    def said(seed: int) -> list[list[bytes]]:
        made = speech(protocol).lines(order(protocol, *faults, seed=seed), 50)
        return [[line.greeting, *(message.raw for message in line.messages())] for line in made]

    assert said(1) == said(1)
    assert said(1) != said(2)


def test_the_bytes_on_the_wire_depend_on_nothing_but_the_seed() -> None:
    sent = []
    for _ in range(2):
        with Sink(None) as sink:
            made = order("jt808", "garbage@0.3", "truncated@0.2", "bad_checksum@0.2", "split", devices=1, ask=False)
            made = Order(**{**vars(made), "protocol": "hj212"})
            emit(made, how(sink, 80, resend=False))
        sent.append(bytes(sink.raw[0]))
    assert sent[0] == sent[1]
    assert sent[0]


@pytest.mark.parametrize("protocol", TCP)
def test_damage_goes_to_quarantine_and_the_messages_arrive_all_the_same(protocol: str, tmp_path: Path) -> None:
    faults = ("bad_checksum@0.1", "truncated@0.1", "garbage@0.1", "split@0.2", "glued@0.1")
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol, *faults), how(sink, 200, truth=tmp_path / "t"))
    assert (found["answered"], found["unanswered"]) == (200, 0)
    assert keys(protocol, landed(protocol, sink)) >= wanted(tmp_path / "t")
    assert set(found["faults"]) == {"bad_checksum", "truncated", "garbage", "split", "glued"}


@pytest.mark.parametrize("protocol", TCP)
@pytest.mark.parametrize("fault", ["bad_checksum", "truncated", "garbage"])
def test_each_damaged_piece_is_one_row_of_quarantine(protocol: str, fault: str) -> None:
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol, f"{fault}@0.2"), how(sink, 150))
    problems = [each["_problem"] for each in landed(protocol, sink) if "_problem" in each]
    assert len(problems) == found["faults"][fault] > 10


@pytest.mark.parametrize("protocol", TCP)
def test_content_faults_are_what_they_say(protocol: str, tmp_path: Path) -> None:
    faults = ["duplicate@0.1", "late:86400@0.1", "out_of_order@0.1", "frozen:4@0.05", "unit@0.1", "bad_time@0.1"]
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol, *faults), how(sink, 200, truth=tmp_path / "t"))
    told = truth(tmp_path / "t")
    assert found["unanswered"] == 0
    assert found["messages"] == 200 + sum("duplicate" in each["marks"] for each in told) // 2
    assert keys(protocol, landed(protocol, sink)) >= wanted(tmp_path / "t")
    assert any(each["time"].startswith("2026-11-19") for each in told if each["time"])
    assert any(each["time"] is None for each in told)
    if protocol != "hj212":
        bad = [each for each in landed(protocol, sink) if "bad_time" in each.get("flags", "")]
        assert bad
        assert all(each["lat"] is None for each in bad)


@pytest.mark.parametrize("protocol", ["jt808", "jt809"])
def test_zero_positions_are_flagged(protocol: str) -> None:
    with Sink(dialect(protocol)) as sink:
        emit(order(protocol, "zero_position@0.3"), how(sink))
    flags = [each["flags"] for each in landed(protocol, sink)]
    assert any("zero_position" in each for each in flags)
    assert any(each == "" for each in flags)


def values(protocol: str, *faults: str, count: int = 200, **more: Any) -> list[dict[str, Any]]:
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol, *faults, **more), how(sink, count))
    assert found["unanswered"] == 0
    return landed(protocol, sink)


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ("spike:30", lambda row: float(row["Rtd"]) > 500),
        ("negative", lambda row: float(row["Rtd"]) < 0),
        ("zero_fill", lambda row: float(row["Rtd"]) == 0),
        ("saturated", lambda row: row["Rtd"] == "32767.0"),
        ("marked", lambda row: row["Flag"] == "D"),
    ],
)
def test_values_that_cannot_be(fault: str, struck: Any) -> None:
    rows = [row for row in values("hj212", f"{fault}@0.3") if row["factor"] == "a34002"]
    assert len(rows) == 200
    assert 20 < sum(map(struck, rows)) < 120


def test_other_checksums_and_lengths_are_read_and_told() -> None:
    rows = [row for row in values("hj212", "other_checksum@0.3", "wrong_length@0.2") if row.get("factor") == "LA"]
    assert len(rows) == 200
    assert {row["crc_variant"] for row in rows} == {"hj212", "hj212_swapped", "modbus"}
    assert 10 < sum(row.get("length_valid") is False for row in rows) < 80


@pytest.mark.parametrize("protocol", ["jt808", "jt809"])
def test_places_that_cannot_be(protocol: str) -> None:
    right = {(row[IDENT[protocol]], row["time"]): row for row in values(protocol)}
    shifted = values(protocol, "gcj02@0.4")
    moved = [abs(row["lon"] - right[row[IDENT[protocol]], row["time"]]["lon"]) for row in shifted]
    assert {round(metres * 91_000 / 100) for metres in moved if metres} == {5}  # 530 m, mostly east
    assert 40 < sum(metres > 0 for metres in moved) < 120
    assert any("out_of_range" in row["flags"] for row in values(protocol, "swapped@0.4"))


@pytest.mark.parametrize("protocol", TCP)
def test_what_is_missing_comes_twice_or_has_a_wrong_number(protocol: str, tmp_path: Path) -> None:
    assert 20 < 200 - len(keys(protocol, values(protocol, "gap@0.3"))) < 120
    twice = values(protocol, "changed_duplicate@0.3")
    assert len(keys(protocol, twice)) == 200
    assert (
        len(
            {
                json.dumps([row.get(name) for name in ("time", "data_time", "factor", "Rtd", "speed_kmh")])
                for row in twice
            }
        )
        > 220
    )
    usual = {row[IDENT[protocol]] for row in values(protocol, devices=8)}
    strangers = {row[IDENT[protocol]] for row in values(protocol, "unknown_device@0.5", devices=8)}
    assert 0 < len(strangers - usual) < 8
    assert 1 < len({row[IDENT[protocol]] for row in values(protocol, "twin@0.5", devices=8)}) < 8


@pytest.mark.parametrize("edition", ["old", "new"])
def test_a_platform_with_cipher_and_login(edition: str, tmp_path: Path) -> None:
    made = dialect("jt809", user="41022100", password="pa55word", **CIPHER)
    with Sink(made) as sink:
        told = {"user": "41022100", "password": "pa55word", **CIPHER}
        found = emit(order("jt809", edition=edition, options=told), how(sink, truth=tmp_path / "t"))
    assert found["answered"] == 60
    assert keys("jt809", landed("jt809", sink)) == wanted(tmp_path / "t")


def test_a_wrong_password_is_refused_and_not_tried_for_ever() -> None:
    with Sink(dialect("jt809", user="41022100", password="pa55word")) as sink:
        found = emit(order("jt809", "wrong_password"), how(sink))
    assert found["refused"] == {"login: 4": 1}
    assert found["messages"] == 0
    assert sink.blobs == []


def test_terminals_with_a_wrong_code_are_refused_and_the_others_heard(tmp_path: Path) -> None:
    from sensors.jt808.session import Jt808Dialect, Options

    with Sink(Jt808Dialect((Route("feed"),), Options(auth_key="k"))) as sink:
        found = emit(order("jt808", "wrong_password@0.5", devices=8), how(sink, 80, truth=tmp_path / "t"))
    (times,) = found["refused"].values()
    assert 0 < times < 8
    assert found["answered"] == found["messages"] == 10 * (8 - times)
    assert keys("jt808", landed("jt808", sink)) == wanted(tmp_path / "t")


@pytest.mark.parametrize("protocol", TCP)
def test_without_answers_the_patience_ends_it(protocol: str) -> None:
    with Sink(None) as sink:
        found = emit(order(protocol, devices=1), how(sink, 5, patience_s=0.3, timeout_s=0.05))
    assert found["answered"] == 0
    assert found["unanswered"] == (5 if protocol == "hj212" else 0)


@pytest.mark.parametrize("protocol", TCP)
def test_for_seconds_at_a_rate(protocol: str) -> None:
    with Sink(dialect(protocol)) as sink:
        found = emit(order(protocol), Emission("127.0.0.1", sink.port, rate=200, seconds=0.3))
    assert 0 < found["messages"] <= 70
    assert found["answered"] == found["messages"]


@pytest.mark.parametrize(
    ("protocol", "text", "said"),
    [("hj212", "nonsense", "no fault"), ("hj212", "zero_position", "no fault of hj212"),
     ("jt808", "late:x", "no number"),
     ("jt808", "late@2", "no number"), ("mqtt", "split", "no fault of mqtt"), ("jt808", "duplicate:3", "no value")],
)  # fmt: skip
def test_a_fault_that_cannot_be_is_refused(protocol: str, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(protocol, 1, [text])


def test_an_order_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="how many"):
        emit(order("hj212"), Emission("127.0.0.1", 1))
