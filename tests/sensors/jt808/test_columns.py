from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt808 import position as p
from sensors.jt808.columns import phones, positions, scan, times
from sensors.jt808.framing import FLAG, Frame, parse
from tests.sensors.jt808.frames import bodies, streams
from tests.sensors.jt808.frames import times as bcd_times


@given(
    st.one_of(streams(), st.binary(max_size=300), st.lists(st.sampled_from([0x7D, 0x7E, 1, 2]), max_size=60).map(bytes))
)
def test_a_scan_finds_what_the_parser_finds(stream: bytes) -> None:
    blob = stream + FLAG
    frames = scan(blob)
    segments = [segment for segment in blob.split(FLAG) if segment]
    assert [blob[a:b] for a, b in zip(frames.first.tolist(), frames.last.tolist(), strict=True)] == segments
    for index, segment in enumerate(segments):
        one = parse(segment)
        assert bool(frames.valid[index]) == isinstance(one, Frame)
        if isinstance(one, Frame):
            assert int(frames.msg_id[index]) == one.msg_id
            assert int(frames.serial[index]) == one.serial
            assert bool(frames.modern[index]) == (one.version is not None)
            assert bool(frames.partial[index]) == (one.total > 0)
            assert bool(frames.encrypted[index]) == (one.encryption > 0)
            body = int(frames.body[index])
            assert frames.content[body : body + int(frames.body_size[index])].tobytes() == one.body
            assert phones(frames, np.array([index]))[0].decode() == one.terminal_phone


@given(st.lists(bodies, min_size=1, max_size=8))
def test_positions_in_bulk_are_the_positions(found: list[bytes]) -> None:
    content = np.frombuffer(b"".join(found), np.uint8)
    starts = np.cumsum([0, *map(len, found)])[:-1]
    columns = positions(content, starts)
    for index, body in enumerate(found):
        one = p.read(body)
        assert one is not None
        said = tuple(
            int(column[index])
            for column in (
                columns.alarm,
                columns.status,
                columns.lat,
                columns.lon,
                columns.altitude,
                columns.speed,
                columns.direction,
            )
        )
        assert said == tuple(one)[:7]
        assert int(columns.flags[index]) == p.flags(one, "0") & ~p.BAD_ITEMS


@given(st.lists(bcd_times, min_size=1, max_size=20))
def test_times_in_bulk_are_the_times(raw: list[bytes]) -> None:
    found, bad = times(np.frombuffer(b"".join(raw), np.uint8).reshape(-1, 6))
    for index, one in enumerate(raw):
        expected = p.iso(one)
        assert bool(bad[index]) == (expected is None)
        assert expected is None or f"{found[index]}+08:00" == expected
