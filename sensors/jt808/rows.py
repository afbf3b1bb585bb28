"""What is in a buffer of frames: positions with their places, and what is refused or is something else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sensors.jt808.columns import Bytes, Frames, Ints, at
from sensors.jt808.decode import BATCH_ID, REPLY_BYTES
from sensors.jt808.framing import MAX_FRAME, Frame, Problem, parse
from sensors.jt808.position import SIZE, batch

_U16 = np.dtype(">u2")


@dataclass(frozen=True)
class Rows:
    """Positions of a buffer, in order of arrival: the frame, the place in the batch (0 without one), whether the
    batch is of a blind area, and the place and size of the body of 0x0200 in `content`.
    """

    content: Bytes
    frame: Ints
    item: Ints
    blind: Ints
    start: Ints
    size: Ints


class Refused(NamedTuple):
    """A frame that makes no position: why, and after which frame's rows it is told."""

    frame: int
    word: str


class Part(NamedTuple):
    """One part of a message: whose, which message, and where its body stands."""

    phone: bytes
    msg_id: int
    first_serial: int
    total: int


def part_of(frame: Frame) -> Part:
    """The message that a part belongs to: parts have serials one after the other (2013 §4.4.3)."""
    return Part(frame.phone, frame.msg_id, (frame.serial - frame.number + 1) & 0xFFFF, frame.total)


def find(frames: Frames, blob: bytes) -> tuple[Rows, list[Refused], list[int]]:
    """Positions, refused frames, and the frames that are valid messages of another kind."""
    valid, ids = frames.valid, frames.msg_id
    one = np.isin(ids, list(REPLY_BYTES))
    many = ids == BATCH_ID
    ours = valid & (one | many)
    refused = [Refused(int(i), word_of(blob, frames, int(i))) for i in np.flatnonzero(~valid)]
    refused += [Refused(int(i), "encrypted_body") for i in np.flatnonzero(ours & frames.encrypted)]
    plain = ours & ~frames.encrypted & ~frames.partial
    content = frames.content

    single = np.flatnonzero(plain & one)
    skip = np.where(ids[single] == 0x0200, 0, 2)
    start, size = frames.body[single] + skip, frames.body_size[single] - skip
    short = size < SIZE
    refused += [Refused(int(i), "short_position") for i in single[short]]
    single, start, size = single[~short], start[~short], size[~short]
    zeros = np.zeros(single.size, np.int64)
    found = [(single, zeros, zeros, start, size)]

    batches = np.flatnonzero(plain & many)
    if batches.size:
        walked, broken = _walk(content, batches, frames.body[batches], frames.body_size[batches])
        found.append(walked)
        refused += [Refused(int(i), "bad_batch") for i in broken]
    partial = np.flatnonzero(ours & frames.partial & ~frames.encrypted)
    if partial.size:
        content, joined, alone = _join(content, frames, blob, partial)
        found += joined
        refused += alone
    other = np.flatnonzero(valid & ~(one | many)).tolist()
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    if len(found) > 1:
        order = np.lexsort((columns[1], columns[0]))
        columns = [column[order] for column in columns]
    return Rows(content, *columns), refused, other


def word_of(blob: bytes, frames: Frames, which: int) -> str:
    """Why a frame of a scan is refused."""
    problem = parse(blob[frames.first[which] : min(frames.last[which], frames.first[which] + MAX_FRAME)])
    return problem.word if isinstance(problem, Problem) else "refused"


Columns = tuple[Ints, Ints, Ints, Ints, Ints]


def _walk(content: Bytes, which: Ints, body: Ints, size: Ints) -> tuple[Columns, Ints]:
    """The items of batches, all batches one step at a time; and the batches that are not whole."""
    end = body + size
    long = size >= 3
    stated = np.where(long, at(content, _U16, np.minimum(body, content.size - 2)), 0).astype(np.int64)
    blind = content[np.minimum(body + 2, content.size - 1)].astype(np.int64)
    place, count = body + 3, np.zeros(which.size, np.int64)
    active = np.flatnonzero(long)
    found: list[Columns] = []
    while active.size:
        active = active[place[active] + 2 <= end[active]]
        length = at(content, _U16, place[active]).astype(np.int64)
        fits = (length >= SIZE) & (place[active] + 2 + length <= end[active])
        active, length = active[fits], length[fits]
        found.append((which[active], count[active], (blind[active] == 1).astype(np.int64), place[active] + 2, length))
        count[active] += 1
        place[active] += 2 + length
    none = np.zeros(0, np.int64)
    columns = tuple(np.concatenate(column) for column in zip(*found, strict=True)) if found else (none,) * 5
    whole = long & (place == end) & (count == stated)
    return columns, which[~whole]  # type: ignore[return-value]  # five columns, by construction


def _join(content: Bytes, frames: Frames, blob: bytes, which: Ints) -> tuple[Bytes, list[Columns], list[Refused]]:
    """Messages in parts, whose bodies are put behind the content; parts without the others are refused."""
    groups: defaultdict[Part, dict[int, tuple[int, bytes]]] = defaultdict(dict)
    refused: list[Refused] = []
    for index in which.tolist():
        frame = parse(blob[frames.first[index] : frames.last[index]])
        assert isinstance(frame, Frame)  # `scan` and `parse` agree
        groups[part_of(frame)].setdefault(frame.number, (index, frame.body))
    found: list[Columns] = []
    extra = [content.tobytes()]
    place = content.size
    for part, parts in groups.items():
        indices = sorted(index for index, _ in parts.values())
        if len(parts) < part.total:
            refused += [Refused(index, "missing_parts") for index in indices]
            continue
        body = b"".join(parts[number][1] for number in sorted(parts))
        last = indices[-1]
        bodies, blind, word = read_body(part.msg_id, body)
        if word:
            refused.append(Refused(last, word))
        for item, one in enumerate(bodies):
            values = (last, item, int(blind), place, len(one))
            found.append(tuple(np.array([value], np.int64) for value in values))  # type: ignore[arg-type]
            extra.append(one)
            place += len(one)
    return np.frombuffer(b"".join(extra), np.uint8), found, refused


def read_body(msg_id: int, body: bytes) -> tuple[list[bytes], bool, str | None]:
    """Bodies of 0x0200 in a message's body, whether of a blind area, and what is wrong with the body."""
    if msg_id == BATCH_ID:
        _, kind, bodies, whole = batch(body)
        return bodies, kind == 1, None if whole else "bad_batch"
    inner = body[REPLY_BYTES[msg_id] :]
    return ([inner], False, None) if len(inner) >= SIZE else ([], False, "short_position")
