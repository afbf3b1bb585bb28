"""Other good values of a field, other keys for a record: how a sample grows from few examples, how rows change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, product
from typing import Any

from cityhub.clock import SHANGHAI
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from cityhub.spec.units import factor
from conformance import moments
from conformance.records import Record, put, value

_WIDE = str.maketrans("０１２３４５６７８９．－", "0123456789.-")
_DAY_MINUTES = 24 * 60


def numbered(raw: Any, step: int, pattern: str | None = None) -> Any | None:
    """The value with its last number counted on, of the same length and form; None where the pattern forbids it."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw + step
    text = str(raw)
    for found in reversed(list(re.finditer(r"[0-9]+", text))):
        digits = found[0]
        counted = str((int(digits) + step) % 10 ** len(digits)).zfill(len(digits))
        changed = text[: found.start()] + counted + text[found.end() :]
        if pattern is None or re.fullmatch(pattern, changed):
            return changed
    return f"{text}{step}" if pattern is None else None


def with_key(spec: FeedSpec, record: Record, step: int) -> Record | None:
    """The record as another row of the same service day: the `step`-th one; None where no key of it can be varied."""
    changed, varied = record, False
    for name in spec.identity.key:
        field = spec.fields[name]
        raw = value(record, field.source)
        new: Any = None
        if field.type == "timestamp":
            new = _within_day(raw, field, step)
        elif field.type in {"text", "integer"} and not field.codes and raw is not None:
            new = numbered(raw, step, field.pattern)
        if new is not None and new != raw:
            changed, varied = put(changed, field.source, new), True
    return changed if varied else None


def _within_day(raw: Any, field: FieldSpec, step: int) -> Any | None:
    moment = moments.read(raw, field)
    if moment is None:
        return None
    local = moment.astimezone(SHANGHAI)
    minute = local.hour * 60 + local.minute
    return moments.moved(raw, field, timedelta(minutes=(minute + step) % _DAY_MINUTES - minute))


def grown(spec: FeedSpec, rows: list[Record], count: int) -> list[Record]:
    """The rows and others like them with keys of their own, at most `count`."""
    found: dict[str, Record] = {}
    for row in islice(_others(spec, rows, count), 4 * count):
        found.setdefault(key_of(spec, row), row)
        if len(found) == count:
            break
    return list(found.values())


def _others(spec: FeedSpec, rows: list[Record], count: int) -> Iterator[Record]:
    yield from rows
    coded = [spec.fields[name] for name in spec.identity.key if spec.fields[name].codes]
    combined = list(product(*({stored: code for code, stored in field.codes.items()}.values() for field in coded)))
    if coded and len(combined) * 3 >= count:
        for codes in combined:
            row = rows[0]
            for field, code in zip(coded, codes, strict=True):
                row = put(row, field.source, code)
            yield row
    for step in range(1, 4 * count):
        row = with_key(spec, rows[step % len(rows)], step) or rows[0]
        for field, code in zip(coded, combined[step % len(combined)], strict=True):
            row = put(row, field.source, code)
        yield row


def key_of(spec: FeedSpec, row: Record) -> str:
    """The natural key as it is sent; codes count as what they stand for."""
    parts = []
    for name in spec.identity.key:
        field = spec.fields[name]
        raw = str(value(row, field.source))
        parts.append(field.codes.get(raw, raw))
    return "\x1f".join(parts)


def corrected(spec: FeedSpec, row: Record) -> tuple[str, Record] | None:
    """A field that a correction may change, and the row with another good value there; None where there is none."""
    identity = spec.identity
    fixed = {*identity.key, identity.day_from, identity.version, spec.unit.field, *identity.tombstone}
    if spec.location:
        fixed |= {spec.location.lon, spec.location.lat}
    sources = {spec.fields[name].source for name in fixed if name}
    free = [(n, f) for n, f in spec.fields.items() if f.source not in sources and f.personal == "no"]
    rank = {"double": 0, "decimal": 0, "integer": 1, "text": 2, "boolean": 3, "timestamp": 4, "date": 4}
    for name, field in sorted(free, key=lambda item: (rank[item[1].type], item[1].source.startswith("_"))):
        new = other(field, value(row, field.source), getattr(spec.source, "decimal", "."))
        if new is not None:
            return name, put(row, field.source, new)
    return None


def other(field: FieldSpec, raw: Any, decimal: str = ".") -> Any | None:
    """Another good value of a field, in the form of the one that came."""
    if field.codes:
        stored = field.codes.get(str(raw))
        return next((code for code, value in field.codes.items() if value != stored), None)
    if field.type in {"integer", "double", "decimal"}:
        return _number(field, raw, decimal)
    if field.type == "boolean":
        is_true = str(raw).lower() in field.true
        return (not raw) if isinstance(raw, bool) else (field.false[0] if is_true else field.true[0])
    if field.type in {"timestamp", "date"}:
        return moments.moved(raw, field, timedelta(minutes=1) if field.type == "timestamp" else timedelta(days=-1))
    if field.pattern:
        return None if raw is None else numbered(raw, 1, field.pattern)
    return f"{raw or ''}改"


def _number(field: FieldSpec, raw: Any, decimal: str) -> Any | None:
    text = "" if raw is None else str(raw).translate(_WIDE).strip()
    if decimal == ",":
        text = text.replace(".", "").replace(" ", "").replace(",", ".")
    try:
        present = float(text)
    except ValueError:
        return None
    times = float(factor(field.unit, field.to) or 1) if field.unit and field.to else 1.0
    for candidate in (present + 1, present - 1, present * 0.99, present * 1.01):
        stored = candidate * times
        if (field.min is None or stored >= field.min) and (field.max is None or stored <= field.max):
            if field.type == "integer" and candidate != int(candidate):
                continue
            new = int(candidate) if candidate == int(candidate) else round(candidate, 6)
            return new if not isinstance(raw, str) else str(new).replace(".", decimal)
    return None
