"""Emit: an order to an address, at a rate, for a number of messages or seconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, cast

from sandbox.emitters.content import Order
from sandbox.emitters.link import Link, Pace, Tally
from sandbox.emitters.speech import Message, Speech

PROTOCOLS = ("hj212", "jt808", "jt809", "mqtt")


@dataclass(frozen=True)
class Emission:
    """How an order is sent. `rate` is messages a second in all, 0 for as fast as possible; `truth` is a file that gets
    one JSON line a message: ident, time, marks, and whether it was answered.
    """

    host: str
    port: int
    rate: float = 10.0
    count: int | None = None
    seconds: float | None = None
    resend: bool = True
    timeout_s: float = 10.0
    patience_s: float = 30.0
    truth: Path | None = None


def emit(order: Order, how: Emission) -> dict[str, Any]:
    """Send it; the tally with `seconds`. An order that ends neither by count nor by seconds is a ValueError."""
    if how.count is None and how.seconds is None:
        raise ValueError("say how many messages, or for how many seconds")
    told = _Truth(how.truth)
    began = monotonic()
    if order.protocol == "mqtt":
        from sandbox.emitters import mqtt

        tally = mqtt.emit(order, how, told.sent, told.done)
    else:
        tally = asyncio.run(_over_tcp(order, how, told.sent, told.done))
    told.write()
    found = asdict(tally) | {"faults": dict(sorted(tally.faults.items()))}
    return found | {"seconds": round(monotonic() - began, 3)}


def speech(protocol: str) -> Speech:
    """The module of a TCP protocol."""
    return cast(Speech, import_module(f"sandbox.emitters.{protocol}"))


async def _over_tcp(
    order: Order, how: Emission, sent: Callable[[Message], None], done: Callable[[Message], None]
) -> Tally:
    language, tally = speech(order.protocol), Tally()
    lines = language.lines(order, how.count)
    begin = asyncio.get_running_loop().time()
    pace = Pace(
        len(lines) / how.rate if how.rate else 0.0,
        None if how.seconds is None else begin + how.seconds,
        how.resend,
        how.timeout_s,
        how.patience_s,
    )
    links = [
        Link(line, number, order.seed, language.flags, order.faults, pace, tally, sent, done)
        for number, line in enumerate(lines)
    ]
    staggered = pace.interval_s / len(lines)
    await asyncio.gather(
        *(link.run(how.host, how.port, begin + number * staggered) for number, link in enumerate(links))
    )
    return tally


class _Truth:
    """What was sent, for a test or a person to compare with what arrived."""

    def __init__(self, file: Path | None) -> None:
        self._file, self._sent, self._done = file, list[Message](), set[int]()

    def sent(self, message: Message) -> None:
        if self._file is not None:
            self._sent.append(message)

    def done(self, message: Message) -> None:
        if self._file is not None:
            self._done.add(id(message))

    def write(self) -> None:
        if self._file is None:
            return
        with self._file.open("w", encoding="utf-8") as file:
            for message in self._sent:
                line = {
                    "ident": message.ident,
                    "time": message.time,
                    "marks": sorted(message.marks),
                    "answered": id(message) in self._done,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
