"""Payloads that are no JSON: spooled as bytes, made into records in bulk when they land.

Each form is a module with `records(payload, topic, memory) -> list of dict`; it raises `Refused` with one word for what
it cannot read, and the message goes to quarantine by that word, its bytes as base64 beside it.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any
from uuid import UUID

FORMS = {"cbor": "sensors.payload_cbor", "sparkplug_b": "sensors.payload_sparkplug"}
MAX_DEPTH, MAX_VALUES = 100, 1_000_000


class Refused(Exception):
    """A payload that cannot be read; `reason` is the word in quarantine."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Memory:
    """What later messages need of earlier ones (names behind Sparkplug's aliases), kept in a file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path, self.changed = path, False
        self.content: dict[str, Any] = {}
        if path is not None and path.is_file():
            self.content = json.loads(path.read_text(encoding="utf-8"))

    def save(self) -> None:
        """Replace the file, where there is one and something is new."""
        if self.path is None or not self.changed:
            return
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.content, ensure_ascii=False), encoding="utf-8")
        temporary.replace(self.path)
        self.changed = False


def landed(form: str, payload: bytes, topic: str, memory: Memory) -> list[dict[str, Any]]:
    """The records of a payload as JSON values; raises `Refused`."""
    found: list[dict[str, Any]] = import_module(FORMS[form]).records(payload, topic, memory)
    return found


class Plain:
    """Makes values that JSON can carry: bytes as hex, times as ISO 8601, exact numbers as text. A value that is not a
    number (NaN) is null, an infinite one is text and no number can be made of it. Bounded in depth and number, because
    a few bytes can name one value a million times.
    """

    def __init__(self, nothing: object = None) -> None:
        """`nothing`: a further value that is null."""
        self._left, self._nothing = MAX_VALUES, nothing

    def __call__(self, value: Any, depth: int = 0) -> Any:
        """The value, or `Refused`."""
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise Refused("too_large")
        if isinstance(value, dict):
            made = {_key(key): self(item, depth + 1) for key, item in value.items()}
            if len(made) != len(value):  # 1 and "1"
                raise Refused("duplicate_key")
            return made
        if isinstance(value, list | tuple | set | frozenset):
            return [self(item, depth + 1) for item in value]
        return None if value is self._nothing else _scalar(value)


def _key(key: Any) -> str:
    made = _scalar(key)
    if isinstance(made, str):
        return made
    if isinstance(made, int | float):
        return json.dumps(made)
    raise Refused("key_is_no_text")


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else _long(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | Fraction | UUID | IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return str(value)
    raise Refused("unknown_value")


def _long(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        raise Refused("too_large") from None
