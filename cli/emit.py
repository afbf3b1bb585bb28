"""`cityhub sandbox emit`: devices that push to a gateway or a broker."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cityhub.clock import SHANGHAI, now
from cityhub.errors import Usage
from cli.output import as_json, guarded

COMMAND = "sandbox emit"


@guarded
def emit(
    protocol: Annotated[str, typer.Argument(help="hj212, jt808, jt809 or mqtt")],
    to: Annotated[str, typer.Option(help="host:port of the gateway or broker")],
    rate: Annotated[float, typer.Option(help="messages a second in all; 0: as fast as they are answered")] = 10,
    devices: Annotated[int, typer.Option(min=1, max=20000, help="monitors, terminals, vehicles or points")] = 10,
    seed: Annotated[int, typer.Option(help="same seed and start, same bytes")] = 1,
    count: Annotated[int | None, typer.Option(min=1, help="how many messages in all")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="for how long; default 60 where no count is given")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME[:VALUE][@SHARE], may be repeated; ? lists them")] = None,
    start: Annotated[str | None, typer.Option(help="first moment measured, local ISO time; default midnight")] = None,
    period: Annotated[int, typer.Option(min=2, help="seconds between two measurements of a device")] = 10,
    edition: Annotated[str, typer.Option(help="old, new or mix of the standard's editions")] = "mix",
    resend: Annotated[bool, typer.Option(help="send again until answered, as devices do")] = True,
    timeout: Annotated[float, typer.Option(min=0.01, help="seconds without an answer before sending again")] = 10,
    patience: Annotated[float, typer.Option(min=0.1, help="seconds without any progress before giving up")] = 30,
    plain: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of the protocol: topic, user …")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="KEY=NAME of a secret: password, m1, ia1, ic1")] = None,
    truth: Annotated[Path | None, typer.Option(help="file for one JSON line a message: what should arrive")] = None,
) -> None:
    """Send what devices send, with faults; print what came of it as JSON.

    Exit code 1 when messages stayed unanswered, a login was refused, or nobody was there.
    """
    from sandbox.emitters import faults
    from sandbox.emitters.content import Order
    from sandbox.emitters.run import PROTOCOLS, Emission
    from sandbox.emitters.run import emit as send

    if fault and "?" in fault:
        sys.stdout.write(faults.__doc__ or "")
        return
    if protocol not in PROTOCOLS:
        raise _wrong("PROTOCOL", f"{protocol!r} is none of {', '.join(PROTOCOLS)}")
    if edition not in ("old", "new", "mix"):
        raise _wrong("--edition", f"{edition!r} is none of old, new, mix")
    host, _, port = to.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise _wrong("--to", f"{to!r} is not host:port")
    if count is None and seconds is None:
        seconds = 60.0
    try:
        found = faults.parse(protocol, seed, fault or [])
    except ValueError as error:
        raise _wrong("--fault", str(error)) from None
    order = Order(protocol, devices, seed, _moment(start), period, edition, resend, found, _options(plain, secret))
    how = Emission(host.strip("[]"), int(port), rate, count, seconds, resend, timeout, patience, truth)
    summary = send(order, how)
    as_json(summary)
    if summary["unanswered"] or summary["refused"] or summary["gave_up"]:
        raise typer.Exit(1)


def _wrong(option: str, detail: str) -> Usage:
    return Usage("CH-RUN-003", option=option, detail=detail, command=COMMAND)


def _moment(text: str | None) -> datetime:
    if text is None:
        return now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong("--start", f"{text!r} is no ISO time such as 2026-11-20T08:00:00") from None
    local = moment.astimezone(SHANGHAI) if moment.tzinfo else moment
    return local.replace(microsecond=0, tzinfo=None)


def _options(plain: Sequence[str] | None, secret: Sequence[str] | None) -> dict[str, str]:
    from cityhub.secrets import secret as value_of

    found = {}
    for option, texts in (("--set", plain or ()), ("--secret", secret or ())):
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals or not key:
                raise _wrong(option, f"{text!r} is not KEY=VALUE")
            found[key] = value_of(value, command=COMMAND) if option == "--secret" else value
    return found
