"""Frames out of a stream."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.frame import build
from sensors.jt809.split import Splitter, pieces

FRAME = build(0x1200, b"one\x5b\x5a\x5d")
OTHER = build(0x1005)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(marks)]


def joined(kinds: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Garbage may come in parts."""
    found: list[tuple[str, bytes]] = []
    for kind, raw in kinds:
        if found and kind == "garbage" == found[-1][0]:
            found[-1] = (kind, found[-1][1] + raw)
        else:
            found.append((kind, raw))
    return found


parts = st.lists(
    st.sampled_from([FRAME, OTHER, b"\x5b", b"\x5d", b"\x5b\0\0", b"garbage", b"\r\n", FRAME[:20], OTHER[5:]])
    | st.binary(max_size=9),
    max_size=12,
)


@given(parts, st.lists(st.integers(0, 500), max_size=12))
def test_any_split_gives_the_same_pieces_and_loses_no_byte(sent: list[bytes], places: list[int]) -> None:
    stream = b"".join(sent)
    splitter = Splitter()
    found = [piece for data in cut(stream, places) for piece in splitter.take(data)] + splitter.left()
    assert b"".join(piece.raw for piece in found) == stream
    assert joined([*found]) == joined([*pieces(stream)])
    assert all(piece.raw for piece in found)


def test_glued_frames_come_apart() -> None:
    assert [piece.raw for piece in pieces(FRAME + OTHER + FRAME)] == [FRAME, OTHER, FRAME]


def test_a_frame_cut_off_does_not_take_the_next_one_with_it() -> None:
    assert pieces(FRAME[:-3] + OTHER) == [("truncated", FRAME[:-3]), ("frame", OTHER)]


def test_a_frame_that_does_not_end_is_given_up_at_the_limit() -> None:
    splitter = Splitter(longest=100)
    assert splitter.take(b"\x5b" + b"x" * 99) == []
    assert splitter.take(b"x") == [("oversized", b"\x5b" + b"x" * 100)]
    assert splitter.take(OTHER) == [("frame", OTHER)]
    assert splitter.left() == []
