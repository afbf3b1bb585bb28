"""`cityhub decode`: frames as text to JSON, for looking at what a device sends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from cityhub.errors import Usage
from cli.output import guarded

PROTOCOLS = ("hj212", "jt808", "jt809")
LONGEST_LINE = 1 << 20
_Decoder = Callable[[str], dict[str, Any]]


@guarded
def decode(
    protocol: Annotated[str, typer.Argument(help="hj212 (frames as text), jt808 or jt809 (frames as hexadecimal)")],
    file: Annotated[
        str, typer.Argument(help="file with one frame a line; - is standard input", metavar="[FILE|-]")
    ] = "-",
) -> None:
    r"""Decode frames: one a line in, one JSON object a line out, in order, good and bad alike.

    A good frame is {"ok": true, ...fields}, a bad one {"ok": false, "error": {"code", "message", "offset"}}. Blank
    lines are skipped; a line end written as the characters \r\n after a frame is ignored. Passwords that stand in
    frames are printed as they are. Exit code: 0 all good, 1 at least one bad frame, 2 wrong protocol or no such file.
    """
    if protocol not in PROTOCOLS:
        raise Usage(
            "CH-RUN-003", option="PROTOCOL", detail=f"{protocol!r} is none of {', '.join(PROTOCOLS)}", command="decode"
        )
    decode_line: _Decoder = import_module(f"sensors.{protocol}.decode").decode_line
    bad = 0
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else _opened(file) as source:
            for line in lines(source):
                found = decode_line(line)
                bad += not found["ok"]
                _print(found, at_once=file == "-")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if bad:
        raise typer.Exit(1)


def _opened(file: str) -> BinaryIO:
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise Usage(
            "CH-RUN-003", option="FILE", detail=f"{file!r}: {error.strerror or error}", command="decode"
        ) from None


def lines(source: BinaryIO) -> Iterator[str]:
    """The lines that are not blank; bytes that are no UTF-8 come as surrogates. Of a line beyond `LONGEST_LINE` only
    the begin is read into memory.
    """
    while raw := source.readline(LONGEST_LINE):
        whole = raw.endswith(b"\n")
        while not whole and (more := source.readline(LONGEST_LINE)):
            whole = more.endswith(b"\n")
        text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if text.strip():
            yield text


def _print(found: dict[str, Any], *, at_once: bool) -> None:
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=str)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    if at_once:
        sys.stdout.buffer.flush()
