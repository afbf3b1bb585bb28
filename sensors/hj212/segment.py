"""The data segment of a frame as fields: header, plain keys, factors (HJ 212-2017, 6.3 and Annex C).

Nothing is interpreted here: values stay the text that was sent. Header keys come in the standard's spelling
(devices send them upper-cased, too).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADER = {name.lower(): name for name in ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO")}
_PARTS = re.compile("[;,]")
OPENING, CLOSING = "CP=&&", "&&"


class BadSegment(ValueError):
    """The segment has no data area, or no header; `offset` counts from its begin."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Segment:
    """`header`, `cp` and `factors` (code -> {"Rtd": "1.5", …}) as sent, `content` between the `&&`."""

    header: dict[str, str]
    cp: dict[str, str]
    factors: dict[str, dict[str, str]]
    content: str = field(repr=False)

    @property
    def flag(self) -> int | None:
        """The Flag byte; None when absent or no number."""
        return flag_of(self.header.get("Flag", ""))


def flag_of(text: str) -> int | None:
    """The Flag byte `V5..V0 D A` from its decimal text: A answer wanted, D sub-packet fields, V edition."""
    return int(text) if len(text) <= 3 and text.isascii() and text.isdigit() and int(text) < 256 else None


def flag_parts(flag: int | None) -> dict[str, bool | int] | None:
    """The three meanings of a Flag; edition 0 is 2005, 1 is 2017, 2 is 2025."""
    if flag is None:
        return None
    return {"needs_answer": bool(flag & 1), "has_subpacket_fields": bool(flag & 2), "version": flag >> 2}


def text_of(data: bytes) -> str:
    """UTF-8 as the standard says, else GB 18030 as older devices send it, else byte for byte."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def parse(segment: bytes) -> Segment:
    """The fields of a data segment; BadSegment when it is none."""
    text = text_of(segment)
    begin = text.find(OPENING)
    if begin < 0:
        raise BadSegment("no data area: `CP=&&` is missing", len(segment))
    end = text.rfind(CLOSING)
    if end < begin + len(OPENING):
        raise BadSegment("the data area is not closed: `&&` is missing", len(segment))
    header = {}
    for item in text[:begin].split(";"):
        key, equals, value = item.partition("=")
        if equals:
            header[_HEADER.get(key.strip().lower(), key.strip())] = value
    if "CN" not in header and "MN" not in header:
        raise BadSegment("no header: neither CN nor MN stands before the data area", 0)
    content = text[begin + len(OPENING) : end]
    cp, factors = fields(content)
    return Segment(header, cp, factors, content)


def fields(content: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Plain keys and factors of a data area; `;` and `,` both separate (the standard's own examples mix them).

    `a34004-Rtd=35` is field Rtd of factor a34004. Of a repeated key the last counts.
    """
    cp: dict[str, str] = {}
    factors: dict[str, dict[str, str]] = {}
    for item in _PARTS.split(content):
        key, equals, value = item.partition("=")
        key = key.strip()
        if not key or (not equals and not value and "-" not in key and not key.isalnum()):
            continue
        code, dash, name = key.partition("-")
        if dash and code and name:
            factors.setdefault(code, {})[name] = value
        else:
            cp[key] = value
    return cp, factors
