"""What is kept of split messages is bounded in number, bytes and time."""

from __future__ import annotations

import pytest

from sensors.hj212 import encode
from sensors.hj212.segment import parse
from sensors.hj212.subpackets import Part, Parts, join, part_of, whole
from tests.sensors.hj212.frames import header


def packet(number: int, qn: str = "1", total: int = 3, size: int = 10) -> Part:
    segment = encode.segment(header(QN=qn, Flag="7", PNUM=str(total), PNO=str(number)), "x=" + "1" * size)
    part = part_of(parse(segment), segment)
    assert part is not None
    return part


def test_a_message_is_complete_when_each_packet_has_come_in_any_order():
    parts = Parts()
    for number in (3, 1, 3):
        assert parts.add(packet(number)) == []
        assert parts.completed(packet(number)) is None
    parts.add(packet(2))
    group = parts.completed(packet(2))
    assert group is not None
    assert [part.number for part in group.parts] == [1, 2, 3]
    assert parts.taken() == []


def test_packets_of_a_message_that_is_never_completed_are_given_up():
    now = [0.0]
    parts = Parts(timeout_s=60, clock=lambda: now[0])
    parts.add(packet(1))
    now[0] = 59
    assert parts.late() == []
    now[0] = 60
    assert [part.number for part in parts.late()] == [1]
    assert parts.taken() == []


def test_number_and_bytes_are_bounded():
    parts = Parts(limit=4, most_bytes=4000)
    given_up = [part for number in range(100) for part in parts.add(packet(1, qn=str(number)))]
    assert [part.key[2] for part in given_up] == [str(number) for number in range(96)]
    assert parts.add(packet(1, qn="big", size=5000))
    assert sum(group.size for group in parts.taken()) <= 4000


@pytest.mark.parametrize(
    ("total", "number"), [("1", "1"), ("0", "0"), ("2", "3"), ("x", "1"), ("2", ""), ("9999", "1"), ("99999", "1")]
)
def test_what_is_no_packet_of_several_is_read_as_a_message(total, number):
    segment = encode.segment(header(Flag="7", PNUM=total, PNO=number), "x=1")
    assert part_of(parse(segment), segment) is None


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (["DataTime=1;a1-Rtd=5", "a2-Rtd=6"], "DataTime=1;a1-Rtd=5;a2-Rtd=6"),
        (["DataTime=1;a1-Rtd=5;", "a2-Rtd=6"], "DataTime=1;a1-Rtd=5;a2-Rtd=6"),
        (["DataTime=1;a1-Rtd=5", "6.1,a1-Flag=N"], "DataTime=1;a1-Rtd=56.1,a1-Flag=N"),
        (["DataTime=1;a1-R", "td=5"], "DataTime=1;a1-Rtd=5"),
        (["DataTime=1;a1-Rtd=", "5"], "DataTime=1;a1-Rtd=5"),
    ],
)
def test_joining(pieces, joined):
    assert join(pieces) == joined


def test_alone_means_its_own_time_and_no_cut():
    assert whole(["DataTime=20261101080000;a34004-Rtd=5", "DataTime=20261101080000;LA-Rtd=5"])
    assert not whole(["DataTime=20261101080000;a34004-Rtd=5", "LA-Rtd=5"])
    assert not whole(["5;DataTime=20261101080000"])
