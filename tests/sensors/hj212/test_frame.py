"""Framing: glued, split, truncated, lying frames; no chunking and no garbage changes what is found."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sensors.hj212 import crc, encode
from sensors.hj212.decode import decode_line
from sensors.hj212.frame import MAX_FRAME, MAX_NOISE, Framer, scan
from tests.sensors.hj212.frames import dust, messages


def found(data: bytes, cuts: list[int] | None = None) -> list[tuple[bytes, str | None, bool, str | None]]:
    """(frame, variant, length_valid, reason) of a stream that comes in pieces cut at these places."""
    framer, seen = Framer(), []
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts or []}), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    for number, piece in enumerate([*pieces, b""]):
        buffer, items = framer.feed(piece, final=number == len(pieces))
        seen += [(buffer[i.start : i.end], i.variant, i.length_valid, i.reason) for i in items]
    return seen


BROKEN = st.sampled_from(
    [
        dust()[:100],
        dust()[:100] + b"\r\n",
        dust()[:-2],
        dust()[:-2].replace(b"Rtd=70", b"Rtd=71"),
        encode.frame(dust()[6:-6], declared=20),
        encode.frame(dust()[6:-6], declared=900),
        encode.frame(b"QN=1;CP=&&x=\xc4\xe3&&"),
        b"##12",
        b"##QN=20",
        b"###",
        b"#",
        b"\x00\r\n ",
        b"GET / HTTP/1.1\r\n\r\n",
        b"##0012##0005QN=1",
        b"##9999QN=1;MN=2;CP=&&",
    ]
)
streams = st.lists(messages | BROKEN | st.binary(max_size=30), max_size=8).map(b"".join)


@given(streams, st.lists(st.integers(0, 10_000), max_size=12))
@example(dust() * 2, list(range(300)))
def test_any_split_of_a_stream_gives_the_same_frames(data, cuts):
    assert found(data, cuts) == found(data)


@given(streams)
def test_byte_by_byte_gives_the_same_frames(data):
    assert found(data, list(range(len(data)))) == found(data)


@given(streams)
def test_no_frame_is_good_whose_length_and_checksum_are_both_wrong(data):
    for frame, variant, length_valid, reason in found(data):
        assert (variant is None) == (reason is not None)
        if variant is None:
            continue
        segment, sent = frame[6:-4], int(frame[-4:], 16)
        assert length_valid == (int(frame[2:6]) == len(segment))
        assert crc.variant(segment, sent) == variant
        assert length_valid or crc.checksum(segment) == sent


@given(streams)
def test_all_bytes_are_accounted_for(data):
    items, rest = scan(data, final=True)
    kept = sum(item.end - item.start for item in items)
    between = b"".join(data[a.end : b.start] for a, b in itertools.pairwise(items))
    assert rest == len(data)
    assert kept + len(between) <= len(data)
    assert not between.strip(b"\r\n\t \x00")


@given(st.lists(messages, min_size=1, max_size=6))
def test_glued_frames_come_out_whole(frames):
    assert [frame for frame, *_ in found(b"".join(frames))] == [frame[:-2] for frame in frames]
    bare = b"".join(frame[:-2] for frame in frames)  # no line ends at all
    assert [frame for frame, *_ in found(bare)] == [frame[:-2] for frame in frames]


@pytest.mark.parametrize("declared", [0, 5, 100, 139, 500, 9999])
def test_a_length_that_lies_is_noted_and_the_next_frame_is_not_harmed(declared):
    lying = encode.frame(dust()[6:-6], declared=declared)
    assert found(lying + dust()) == [
        (lying[:-2], "hj212", False, None),
        (dust()[:-2], "hj212", True, None),
    ]


def test_a_length_that_lies_is_decided_at_the_line_end_not_when_more_comes():
    framer = Framer()
    _, items = framer.feed(encode.frame(dust()[6:-6], declared=9999))
    assert [item.variant for item in items] == ["hj212"]


def test_only_the_standards_own_checksum_counts_without_a_true_length():
    for variant in (crc.HJ212_SWAPPED, crc.MODBUS, crc.MODBUS_SWAPPED):
        segment = dust()[6:-6]
        assert found(encode.frame(segment, variant=variant))[0][1:] == (variant, True, None)
        assert found(encode.frame(segment, variant=variant, declared=7))[0][3] == "length_and_checksum"


def test_a_truncated_frame_ends_where_the_next_one_begins():
    frames = found(dust()[:80] + dust())
    assert [(variant, reason) for _, variant, _, reason in frames] == [(None, "truncated"), ("hj212", None)]
    assert frames[0][0] == dust()[:80]


def test_a_flood_without_an_end_is_cut_and_memory_stays_bounded():
    framer = Framer()
    for _ in range(100):
        _, items = framer.feed(b"##9x" + b"a" * 5000)
        assert framer.waiting <= MAX_FRAME
        assert all(item.variant is None for item in items)
    framer = Framer()
    for _ in range(100):
        framer.feed(b"b" * 5000)
        assert framer.waiting <= MAX_NOISE


def test_lower_case_and_trailing_blanks_are_accepted():
    assert found(encode.frame(dust()[6:-6], lower=True))[0][1:] == ("hj212", True, None)
    assert found(encode.frame(dust()[6:-6], declared=3)[:-2] + b"  \r\n")[0][1:] == ("hj212", False, None)


HOSTILE = [
    b"#",
    b"\r",
    b"##\n",
    b"##9999",
    b"##9999QN=",
    b"AA=;",
    b"##0002&&0000",
    b"\x00a 1\x00",
    b"##0300" + b"x" * 298 + b"&&1234",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_bytes_cost_no_more_a_byte_when_there_are_more(piece):
    """Counted in items and in bytes kept, not in seconds: what is searched again is bounded by what is kept."""
    framer, data = Framer(), piece * (60_000 // len(piece))
    for at in range(0, len(data), 7):
        framer.feed(data[at : at + 7])
        assert framer.waiting <= MAX_FRAME
    whole, _ = scan(data, final=True)
    assert sum(item.end - item.start for item in whole) <= len(data)
    decode_line(data.decode("latin-1"))
    decode_line("\\r" * 100_000)
