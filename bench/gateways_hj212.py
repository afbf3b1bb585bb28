"""HJ 212 on one core, without sockets and disk: `python -m bench.gateways_hj212 [--frames N] [--rounds N]`.

Frames of about 400 bytes with nine factors. Best of the rounds, in CPU time, rounds of all contenders interleaved; the
peer computes the checksum as the standard prints it and splits into a dict, as most public decoders do.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from sensors.hj212.encode import message
from sensors.hj212.frame import scan
from sensors.hj212.landing import records
from sensors.hj212.session import Hj212Dialect
from sensors.tcp.protocol import Route

CODES = ("a34001", "a34002", "a34004", "a01001", "a01002", "a01006", "a01007", "a01008", "LA")
PEER, MOMENT = "127.0.0.1:40000", "2026-11-20T08:00:00.123+08:00"


def made(number: int) -> list[bytes]:
    """Frames of 300 devices, one after the other."""
    rng = random.Random(212)
    return [
        message(
            {
                "QN": f"20261120080{i // 6000 % 10}{i % 60:02d}{i % 1000:03d}",
                "ST": "39",
                "CN": "2011",
                "PW": "123456",
                "MN": f"010000A8900016F000{i % 300:06d}",
                "Flag": "5",
            },
            {"DataTime": f"20261120{8 + i // 18000:02d}{i // 300 % 60:02d}00"},
            {
                code: {"Rtd": f"{101 + rng.random() if code == 'a01006' else 2 + rng.random() * 90:.3f}", "Flag": "N"}
                for code in CODES
            },
        )
        for i in range(number)
    ]


def naive(frames: list[bytes]) -> int:
    """The peer."""
    found = 0
    for frame in frames:
        text = frame.decode()
        register = 0xFFFF
        for byte in frame[6:-6]:
            register = (register >> 8) ^ byte
            for _ in range(8):
                register = (register >> 1) ^ (0xA001 if register & 1 else 0)
        head, _, area = text[6:-6].partition("CP=&&")
        fields = dict(item.split("=") for item in head.strip(";").split(";"))
        values = dict(item.split("=") for item in area[:-2].replace(",", ";").split(";"))
        found += register == int(text[-6:-2], 16) and len(fields) + len(values) > 2
    return found


def answered(data: bytes, size: int) -> int:
    """A connection that gives `size` bytes at once."""
    session = Hj212Dialect([Route("dust.sample")], registry=lambda mn: (mn, "123456")).session(PEER)
    reactions = (session.receive(data[at : at + size]) for at in range(0, len(data), size))
    return sum(reaction.counts.get("frames", 0) for reaction in reactions)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    frames = made(given.frames)
    data, some = b"".join(frames), frames[: given.frames // 20]
    contenders: dict[str, tuple[int, Callable[[], object]]] = {
        "framing and checksum": (len(frames), lambda: scan(data, final=True)),
        "bulk to records": (len(frames), lambda: sum(1 for _ in records(data, MOMENT, PEER))),
        "one frame a blob to records": (
            len(frames),
            lambda: sum(1 for one in frames for _ in records(one, MOMENT, PEER)),
        ),
        "session, 64 KiB at once": (len(frames), lambda: answered(data, 65_536)),
        "session, 4 KiB at once": (len(frames), lambda: answered(data, 4_096)),
        "session, a frame at once": (len(frames), lambda: answered(data, len(frames[0]))),
        "naive decoder": (len(some), lambda: naive(some)),
    }
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(given.rounds):
        for name, (_, work) in contenders.items():
            started = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - started)
    for name, (count, _) in contenders.items():
        print(f"{name:28} {count / best[name]:>10,.0f} frames/s {best[name] / count * 1e6:>7.2f} us")


if __name__ == "__main__":
    main()
