"""What a TCP gateway asks of a protocol: a dialect makes one session per connection, a session turns received
bytes into what to store and what to answer.

The frame (`sensors/tcp/server.py`) knows sockets, the spool and limits; a session knows framing, checksum,
routing and answers, and nothing of sockets. What a session wants answered only once its frames are on disk
stands in `Reaction.durable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class Reaction:
    """What a session makes of received bytes.

    `spool`: (feed, whole frames as received one after the other, their number) in order of arrival.
    `at_once`: bytes to send now. `durable`: bytes to send once all of `spool` is on disk.
    `close`: why the connection must end (a sentence without secrets) or None.
    `counts`: frames by outcome, such as {"frames": 50, "bad_checksum": 1}.
    """

    spool: tuple[tuple[str, bytes, int], ...] = ()
    at_once: bytes = b""
    durable: bytes = b""
    close: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


class Session(Protocol):
    """One connection, seen by its protocol."""

    def receive(self, data: bytes) -> Reaction:
        """Take what the socket gave; an incomplete rest is kept inside, bounded."""
        ...

    def ended(self) -> Reaction:
        """The connection is lost: what is left over (a truncated frame is spooled as bad, not dropped)."""
        ...


class Dialect(Protocol):
    """One protocol of one listener. `name` is "hj212", "jt808" or "jt809"."""

    name: str

    def session(self, peer: str) -> Session:
        """A session for a new connection from `peer` (host:port)."""
        ...


@dataclass(frozen=True)
class Route:
    """Which frames are a feed's. Keys of `wanted`: HJ 212 "st", "cn"; JT/T 808 and 809 "msg" ("0x0200").

    An absent key matches all. A frame goes to the first route that matches (order of the specs); bad frames
    go to the first route.
    """

    feed: str
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)


@runtime_checkable
class Gathering(Protocol):
    """A dialect that is quicker with what several connections sent than with each alone."""

    def receive_all(self, received: Sequence[tuple[Any, bytes]]) -> list[Reaction | None]:
        """As `Session.receive` for each (session, data); a session stands there at most once. None: a defect of ours,
        that connection must end.
        """
        ...


Landing = Callable[[bytes, str, str], Iterator[bytes]]
"""(frames blob, received_at as ISO 8601, peer) -> JSON objects without line feed, in bulk."""
