"""What several connections sent at once, in one pass over columns.

Fifty frames of one terminal are too few for columns to be quick; those of all terminals that spoke in one turn of
the event loop are many. A connection whose chunk needs more than storing and an answer goes its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sensors.jt808.answers import DONE, answers_of
from sensors.jt808.columns import Frames, Ints, Mask, phones, scan
from sensors.jt808.framing import FLAG
from sensors.tcp.protocol import Reaction

Plain = Callable[[Frames], tuple[Mask, Ints, list[str]]]
"""Frames that only need storing and an answer, their feeds as numbers, the feeds' names."""


class Speaker(Protocol):
    """What is asked of a session: who has authenticated there, and the serial of its next answer."""

    phones: set[str]
    serial: int


def together(
    sessions: Sequence[Speaker], wholes: Sequence[bytes], plain_of: Plain, *, authenticated: bool
) -> list[Reaction | None]:
    """A reaction for each session whose `whole` (frames, ended by a flag) only needs storing and answers; None for
    the others, which are left as they were. `authenticated`: only terminals that have are heard.
    """
    found: list[Reaction | None] = [None] * len(sessions)
    frames = scan(b"".join(wholes))
    edges = np.zeros(len(wholes) + 1, np.int64)
    edges[1:] = np.searchsorted(frames.first, np.cumsum([len(whole) for whole in wholes]))
    filled = np.flatnonzero(edges[1:] > edges[:-1])
    if not filled.size:
        return found
    begins, counts = edges[filled], (edges[1:] - edges[:-1])[filled]
    plain, feeds, names = plain_of(frames)
    if authenticated:
        plain &= _authenticated([sessions[place] for place in filled.tolist()], frames, counts)
    alike = np.logical_and.reduceat(plain, begins) & _uniform(feeds, begins) & _uniform(frames.modern, begins)
    owner = np.repeat(np.arange(filled.size), counts)
    first = np.array([sessions[place].serial for place in filled.tolist()], np.int64)
    serials = (first[owner] + np.arange(owner.size) - begins[owner]) & 0xFFFF
    for header in (False, True):
        chosen = np.flatnonzero(alike & (frames.modern[begins] == header))
        if not chosen.size:
            continue
        which = np.flatnonzero(np.isin(owner, chosen))
        sent, ends = answers_of(frames, which, serials[which], DONE)
        places = np.cumsum(counts[chosen])
        cuts = [0, *ends[places - 1].tolist()]
        for number, one in enumerate(chosen.tolist()):
            place, count = int(filled[one]), int(counts[one])
            session, whole = sessions[place], wholes[place]
            session.serial = (session.serial + count) & 0xFFFF
            raw = whole if whole.startswith(FLAG) else FLAG + whole
            feed = names[int(feeds[begins[one]])]
            answer = sent[cuts[number] : cuts[number + 1]]
            found[place] = Reaction(((feed, raw, count),), durable=answer, counts={"frames": count})
    return found


def _uniform(values: npt.NDArray[np.int64] | Mask, begins: Ints) -> Mask:
    same: Mask = np.maximum.reduceat(values, begins) == np.minimum.reduceat(values, begins)
    return same


def _authenticated(sessions: Sequence[Speaker], frames: Frames, counts: Ints) -> Mask:
    """Frames of the one terminal that has authenticated on its connection; concentrators go their own way."""
    own = [next(iter(session.phones)) if len(session.phones) == 1 else "" for session in sessions]
    wanted = np.repeat(np.array(own, "S20"), counts)
    same: Mask = phones(frames, np.arange(wanted.size)) == wanted
    return same
