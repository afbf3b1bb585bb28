"""The fast way from a data area to records: devices send the same keys each time, so a layout is compiled once.

A layout seen for the third time becomes a pattern that takes all values out at once, and a format that puts them into
the records of the frame. What is not usual (plain keys beside DataTime, a key twice, a quote or a control character in
a value) never matches and goes the careful way (`rows.py`), which gives the same records.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import msgspec

from sensors.hj212.factors import Factor, factor
from sensors.hj212.rows import CHECKED, name_of

SHARED = "\x01"  # stands in a record where the fields of the whole frame go
MOST_LAYOUTS = 2_000
MOST_KEYS = 200
_VALUE = r'([^=;,&"\\\x00-\x1f\x7f]*)'
_LAYOUT = re.compile(r"([^=;,&]*)=[^=;,&]*([;,]?)")
_KEY = re.compile(r"[A-Za-z0-9_.]{1,40}-[A-Za-z0-9_.-]{1,40}")


class Template(NamedTuple):
    """`match` gives all values of a data area; `record` takes the factors' values in that order, `%s` each."""

    match: re.Pattern[str]
    record: str
    time_at: int
    checks: tuple[tuple[int, float, float, int], ...]  # place of a value, its range, number of its factor
    factors: tuple[Factor | None, ...]

    def fill(self, values: tuple[str, ...], shared: str) -> str:
        """The records of one frame, each with a line feed; ValueError when a checked value is no number."""
        filled = self.record % values
        for at, low, high, number in self.checks:
            value = float(values[at]) if values[at] else 0.0
            if not low <= value <= high and value > 0:
                known = self.factors[number]
                guess = known.guess(value) if known else None
                if guess is not None:
                    return self._suspicious(values, shared)
        return filled.replace(SHARED, shared)

    def _suspicious(self, values: tuple[str, ...], shared: str) -> str:
        parts = (self.record % values).split("\n")
        for at, _, _, number in self.checks:
            known = self.factors[number]
            guess = known.guess(float(values[at] or 0)) if known else None
            if guess is not None:
                own = f',"unit_suspect":true,"unit_guess":{_quoted(guess)}{SHARED}'
                parts[number] = parts[number].replace(SHARED, own)
        return "\n".join(parts).replace(SHARED, shared)


class Templates:
    """The layouts of one run; bounded, and a layout must come three times, so strangers cost nothing."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, str], Template | None] = {}

    def of(self, content: str, st: str) -> Template | None:
        """The template for a data area like this one; None: go the careful way."""
        if len(content) > 9_999 or content.count("=") > MOST_KEYS:
            return None
        layout = (st, _LAYOUT.sub(r"\1=\2", content))
        if layout in self._known:
            return self._known[layout]
        self._seen[layout] += 1
        if self._seen[layout] < 3:
            if len(self._seen) > 4 * MOST_LAYOUTS:
                self._seen.clear()
            return None
        if len(self._known) >= MOST_LAYOUTS:
            self._known.clear()
        self._known[layout] = template = compiled(content, st)
        return template


def compiled(content: str, st: str) -> Template | None:
    """The template of a data area; None when its layout is not a usual one."""
    found = _LAYOUT.findall(content)
    keys = [key for key, _ in found]
    factors: dict[str, list[tuple[str, int]]] = {}
    names: set[tuple[str, str]] = set()
    pattern, at = "", 0
    if "".join(f"{key}=" for key in keys) != re.sub("[;,]", "", _LAYOUT.sub(r"\1=", content)):
        return None
    for key, separator in found:
        pattern += re.escape(key) + "="
        if key == "DataTime":
            pattern += f"(?P<DataTime>{_VALUE[1:]}{separator}"
            continue
        if not _KEY.fullmatch(key):
            return None
        pattern += _VALUE + separator
        code, _, name = key.partition("-")
        name = name_of(name)
        if (code, name.lower()) in names:
            return None
        names.add((code, name.lower()))
        factors.setdefault(code, []).append((name, at))
        at += 1
    order = [place for values in factors.values() for _, place in values]
    if keys.count("DataTime") != 1 or not factors or order != sorted(order):
        return None
    return Template(re.compile(pattern), *_record(factors, st, keys.index("DataTime")))


def _record(
    factors: dict[str, list[tuple[str, int]]], st: str, time_at: int
) -> tuple[str, int, tuple[tuple[int, float, float, int], ...], tuple[Factor | None, ...]]:
    text, checks, known = "", [], []
    for number, (code, values) in enumerate(factors.items()):
        one = factor(code, st)
        known.append(one)
        fields = "".join(f",{_quoted(name)}:%%s" for name, _ in values).replace("%%s", '"%s"')
        unit = f',"unit":{_quoted(one.unit)}' if one and "unit" not in dict(values) else ""
        text += f'{{"factor":{_quoted(code)}{fields}{unit.replace("%", "%%")}{SHARED}}}\n'
        at = next((dict(values)[name] for name in CHECKED if name in dict(values)), None)
        if one is not None and one.others and at is not None:
            checks.append((at, one.low, one.high, number))
    return text, time_at, tuple(checks), tuple(known)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
