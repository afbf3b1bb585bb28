"""JT/T 808 on one core, without sockets and disk: `python -m bench.gateways_jt808 [--frames N] [--rounds N]`.

Frames of 43 bytes (0x0200 without additional items), about six in a hundred with escapes. Best of the rounds, in
CPU time; the peer reads byte by byte with `struct` and `strptime`, as most public decoders do.
"""

from __future__ import annotations

import argparse
import random
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from sensors.jt808 import encode, landing
from sensors.jt808.columns import phones, positions, scan
from sensors.jt808.session import Jt808Dialect
from sensors.tcp.protocol import Route

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
FIXED = struct.Struct(">IIIIHHH")


def made(number: int, extra: dict[int, bytes] | None = None) -> list[bytes]:
    """Frames of 300 terminals, one after the other."""
    rng = random.Random(808)
    return [
        encode.frame(
            0x0200,
            f"0139{i % 300:08d}",
            i,
            encode.position(
                BEGIN + timedelta(seconds=i // 30),
                34.5 + rng.random() / 10,
                114.7 + rng.random() / 10,
                speed_kmh=rng.random() * 80,
                direction_deg=rng.randrange(360),
                altitude_m=57,
                load=rng.choice(("00", "01", "11")),
                extra=extra,
            ),
        )
        for i in range(number)
    ]


def naive(frames: list[bytes]) -> int:
    """The peer."""
    found = 0
    for frame in frames:
        content, at = bytearray(), 1
        while at < len(frame) - 1:
            if frame[at] == 0x7D:
                content.append(0x7C + frame[at + 1])
                at += 1
            else:
                content.append(frame[at])
            at += 1
        check = 0
        for byte in content[:-1]:
            check ^= byte
        if check == content[-1]:
            fields = FIXED.unpack_from(content, 12)
            moment = datetime.strptime(content[34:40].hex() + "+0800", "%y%m%d%H%M%S%z")
            found += bool(fields and moment and content[4:10].hex())
    return found


def columns(blob: bytes) -> int:
    """All columns, time and phone among them."""
    frames = scan(blob)
    which = np.flatnonzero(frames.valid & (frames.msg_id == 0x0200))
    found = positions(frames.content, frames.body[which])
    return min(found.time.size, phones(frames, which).size)


def door(chunks: list[bytes]) -> int:
    """A session: framing, checksum, routing, answers."""
    session = Jt808Dialect([Route("muck.position", {"msg": frozenset({"0x0200"})})]).session("")
    return sum(number for chunk in chunks for _, _, number in session.receive(chunk).spool)


def measured(what: Callable[[], int], frames: int, rounds: int) -> float:
    """Frames per second of CPU time, best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        if what() != frames:
            raise AssertionError("frames are missing")
        best = min(best, time.process_time() - begun)
    return frames / best


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    number, rounds = arguments.frames, arguments.rounds
    frames = made(number)
    rich = b"".join(made(number, {0x01: b"\0\0\x10\x11", 0x30: b"\x10", 0x31: b"\x09", 0xE1: b"abc"}))
    blob = b"".join(frames)

    def in_pieces(size: int) -> list[bytes]:
        return [b"".join(frames[at : at + size]) for at in range(0, number, size)]

    def lands(pieces: list[bytes]) -> int:
        return sum(1 for piece in pieces for _ in landing.records(piece, "2026-11-20T06:00:00+08:00", "10.0.0.1:5"))

    ways: dict[str, Callable[[], int]] = {
        "peer, byte by byte": lambda: naive(frames),
        "columns, whole buffer": lambda: columns(blob),
        "columns, buffers of 500": lambda: sum(map(columns, in_pieces(500))),
        "records for the load, buffers of 5,000": lambda: lands(in_pieces(5000)),
        "records for the load, buffers of 500": lambda: lands(in_pieces(500)),
        "records for the load, one frame each": lambda: lands(frames),
        "records with four additional items": lambda: lands([rich]),
        "door, chunks of 1,500 frames": lambda: door(in_pieces(1500)),
        "door, chunks of 100 frames": lambda: door(in_pieces(100)),
        "door, chunks of 10 frames": lambda: door(in_pieces(10)),
        "door, one frame each": lambda: door(frames),
    }
    for name, what in ways.items():
        print(f"{name:40} {measured(what, number, rounds):12,.0f} frames/s")


if __name__ == "__main__":
    main()
