"""Whether the examples of a spec hold: each record through the real mapping, in memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from cityhub.clock import yesterday
from cityhub.spec.feed import Example, FeedSpec
from warehouse.personal import edge
from warehouse.trial import Tried, tried

# The trial knows neither parents nor boundaries.
UNKNOWN = {"lookup": {"unit_code"}, "point": {"unit_code"}}


@dataclass(frozen=True)
class Outcome:
    """One example, counted from 1: whether it holds, and where it does not what was wanted and what came."""

    number: int
    good: bool
    wanted: str = ""
    got: str = ""


def outcomes(spec: FeedSpec) -> list[Outcome]:
    """All examples of a spec; raises what the load raises where the mapping cannot run at all."""
    if not spec.examples:
        return []
    with TemporaryDirectory(prefix="cityhub-examples-") as folder:
        with edge.trial(Path(folder), spec, yesterday()) as delivery:
            body = json.dumps([item.given for item in spec.examples], ensure_ascii=False, default=str)
            delivery.add(body.encode(), "json", request="examples")
        assert delivery.manifest is not None
        rows = tried(spec, delivery.manifest, limit=len(spec.examples)).rows
    return [_outcome(spec, number, *pair) for number, pair in enumerate(zip(spec.examples, rows, strict=True), 1)]


def _outcome(spec: FeedSpec, number: int, example: Example, row: Tried) -> Outcome:
    if example.quarantine is not None:
        first = row.reasons[0].reason if row.reasons else None
        return Outcome(number, first == example.quarantine, f"quarantine: {example.quarantine}", _came(row, None))
    expect = example.expect or {}
    if row.mapped is None:
        return Outcome(number, False, _pairs(expect), _came(row, None))
    skipped = UNKNOWN.get(spec.unit.by, set())
    differ = [name for name, want in expect.items() if name not in skipped and not same(row.mapped.get(name), want)]
    return Outcome(number, not differ, _pairs({n: expect[n] for n in differ}), _came(row, differ))


def _came(row: Tried, names: list[str] | None) -> str:
    if row.mapped is None:
        return "; ".join(f"quarantine: {item.reason} ({item.field} = {item.value})" for item in row.reasons)
    if names is None:
        return f"the row is loaded ({row.verdict})"
    return _pairs({name: row.mapped.get(name, "no such column") for name in names})


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {plain(value)}" for name, value in values.items())


def plain(value: Any) -> str:
    """A value as it is written into `expect`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def same(found: Any, wanted: Any) -> bool:
    """Whether a stored value is the one of an example: numbers to nine digits, times as instants."""
    if wanted is None or found is None or isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    try:
        return _equal(found, str(wanted))
    except (ValueError, ArithmeticError):
        return False


def _equal(found: Any, wanted: str) -> bool:
    match found:
        case datetime():
            moment = datetime.fromisoformat(wanted)
            equal = found == (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Asia/Shanghai")))
        case date():
            equal = found.isoformat() == wanted
        case Decimal():
            equal = found == Decimal(wanted)
        case float() | int():
            equal = math.isclose(found, float(wanted), rel_tol=1e-8, abs_tol=1e-12)
        case _:
            equal = str(found) == wanted
    return equal
