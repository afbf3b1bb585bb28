"""Whether a text is a cron expression of five fields, and what is wrong with one that is none."""

from __future__ import annotations

import re

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {"jan feb mar apr may jun jul aug sep oct nov dec": 3, "sun mon tue wed thu fri sat": 4}
_PART = re.compile(r"(?P<all>\*)|(?P<first>\w+)(-(?P<last>\w+))?")


def wrong(text: str) -> str | None:
    """What is wrong, None for an expression that can be used."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} fields instead of five: minute hour day month weekday"
    for number, (written, (name, low, high)) in enumerate(zip(fields, _FIELDS, strict=True)):
        for item in written.split(","):
            if not _good(item, number, low, high):
                return f"{written!r} is no {name} ({low} to {high}, *, */5, 1-5 or 1,15)"
    return None


def _good(item: str, field: int, low: int, high: int) -> bool:
    span, _, step = item.partition("/")
    if "/" in item and not (step.isdecimal() and int(step) > 0):
        return False
    match = _PART.fullmatch(span)
    if match is None:
        return False
    if match["all"]:
        return True
    ends = [_number(word, field) for word in (match["first"], match["last"]) if word]
    return all(end is not None and low <= end <= high for end in ends) and ends == sorted(
        ends, key=lambda end: end or 0
    )


def _number(word: str, field: int) -> int | None:
    if word.isdecimal():
        return int(word)
    for names, of in _NAMES.items():
        if of == field and word.lower() in names.split():
            return names.split().index(word.lower()) + (of == 3)
    return None


def likely(text: str) -> str:
    """A daily expression near to what was meant: `6:30` is at half past six."""
    clock = re.search(r"(\d{1,2})[:：点](\d{1,2})?", text)
    if clock and int(clock[1]) < 24:
        return f"{int(clock[2] or 0)} {int(clock[1])} * * *"
    return "15 1 * * *"
