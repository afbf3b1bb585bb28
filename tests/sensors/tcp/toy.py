"""A protocol of one line a frame, for the server's own tests: `<id> <text>` is answered `ok <id>` when it is durable.

`ping` is answered at once, `bye` ends the connection after an answer, a line that begins with `bad` is stored as
refused, a line longer than `LONGEST` ends the connection. Run as a module it is a gateway process.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress

from sensors.tcp.listen import Listener
from sensors.tcp.protocol import Reaction, Session

LONGEST = 1000


class Toy:
    """The dialect; it calls itself HJ 212, so that specs and envelopes know it."""

    name = "hj212"

    def __init__(self, listener: Listener) -> None:
        self._routes = listener.routes

    def session(self, peer: str) -> Session:
        """A session."""
        return _Lines([route.feed for route in self._routes])


class _Lines:
    def __init__(self, feeds: list[str]) -> None:
        self._feeds, self._rest = feeds, b""

    def receive(self, data: bytes) -> Reaction:
        *lines, self._rest = (self._rest + data).split(b"\n")
        at_once, durable, close = b"", b"", None
        spool: dict[str, list[bytes]] = {}
        counts: Mapping[str, int] = Counter("bad" if line.startswith(b"bad") else "frames" for line in lines)
        for line in lines:
            if line == b"ping":
                at_once += b"pong\n"
                continue
            feed = self._feeds[-1] if line.startswith(b"second") else self._feeds[0]
            spool.setdefault(feed, []).append(line)
            durable += b"ok %b\n" % line.split(b" ")[0]
            close = "said bye" if line == b"bye" else close
        if len(self._rest) > LONGEST:
            close, self._rest = "frame too long", b""
        blobs = tuple((feed, b"".join(line + b"\n" for line in own), len(own)) for feed, own in spool.items())
        return Reaction(blobs, at_once, durable, close, counts)

    def ended(self) -> Reaction:
        rest, self._rest = self._rest, b""
        if not rest:
            return Reaction()
        return Reaction(((self._feeds[0], b"bad " + rest + b"\n", 1),), counts={"truncated": 1})


def records(blob: bytes, received_at: str, peer: str) -> Iterator[bytes]:
    """The landing of the toy."""
    own = {"_received_at": received_at, "_peer": peer}
    for line in blob.decode().splitlines():
        if line.startswith("bad"):
            yield json.dumps({**own, "_problem": "toy_bad", "_frame": line}).encode()
        else:
            name, _, text = line.partition(" ")
            yield json.dumps({"id": name, "text": text, **own}).encode()


def main() -> None:
    """A gateway process of this protocol on the installation of the environment."""
    from cityhub.settings import load
    from cityhub.spec.read import read_all
    from sensors.tcp.gateway import run_tcp

    settings = load()
    with suppress(KeyboardInterrupt):
        run_tcp(settings, read_all(settings.feeds).values(), "hj212", make=Toy)


if __name__ == "__main__":
    main()
