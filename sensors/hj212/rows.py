"""Records of one frame, one a factor: the careful way, for any frame (`templates.py`: usual ones, fast)."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from sensors.hj212.factors import factor
from sensors.hj212.segment import Segment

PERIODS = {"2051": 600, "2061": 3600, "2031": 86400, "2041": 86400, "2011": 0, "2021": 0}
"""Seconds from DataTime to the end of what a value covers; 2051 has the standard's default, ten minutes: the device's
own interval (CN 1063, 1064) is not in its frames. 0: an instant."""

OWN = frozenset(
    "mn st cn qn pnum pno version data_time period_s factor unit unit_sent unit_suspect unit_guess crc_variant "
    "length_valid cp _received_at _peer _problem _frame".split()
)
NAMES = {
    name.lower(): name
    for name in (
        "Rtd Avg Min Max Cou Flag ZsRtd ZsAvg ZsMin ZsMax EFlag SampleTime Data DayData NightData Info SN".split()
    )
} | {"rtd-rtd": "Rtd", "unit": "unit"}
CHECKED = ("Rtd", "Avg", "Data")  # the value that the unit check looks at: the first of these
_SECRET = re.compile(r"((?:PW|PASSWORD)=)[^;,&]*", re.IGNORECASE)


def masked(text: str) -> str:
    """A frame without its passwords."""
    return _SECRET.sub(r"\1******", text)


@lru_cache(maxsize=65536)
def moment(text: str) -> str | None:
    """ISO 8601 of `YYYYMMDDhhmmss` (or with milliseconds) in China's time; None for what is no time."""
    if len(text) not in (14, 17) or not (text.isascii() and text.isdigit()):
        return None
    try:
        datetime.strptime(text[:14] + "+0800", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    fraction = f".{text[14:]}" if len(text) == 17 else ""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}{fraction}+08:00"


def name_of(name: str) -> str:
    """The standard's spelling of a value's name; a name that is one of our fields gets `x_` in front."""
    known = NAMES.get(name.lower())
    if known:
        return known
    return f"x_{name}" if name.lower() in OWN else name


def head_of(header: dict[str, str], flag: int | None) -> dict[str, Any]:
    """What all records of a frame share from its header, but for QN. Never the password."""
    found: dict[str, Any] = {"mn": header.get("MN"), "st": header.get("ST"), "cn": header.get("CN")}
    for ours, theirs in (("pnum", "PNUM"), ("pno", "PNO")):
        if theirs in header:
            found[ours] = header[theirs]
    if flag is not None:
        found["version"] = flag >> 2
    if found["cn"] in PERIODS:
        found["period_s"] = PERIODS[found["cn"]]
    return found


def suspect(code: str, st: str, values: dict[str, str]) -> str | None:
    """The unit in which a value would be plausible, when it is not in the usual one."""
    known = factor(code, st)
    if known is None:
        return None
    text = next((values[name] for name in CHECKED if name in values), None)
    try:
        return known.guess(float(text)) if text else None
    except ValueError:
        return None


def rows(segment: Segment, variant: str, length_valid: bool, own: dict[str, Any]) -> list[dict[str, Any]]:
    """One record a factor; a frame without factors is one record with its data area as text."""
    shared = head_of(segment.header, segment.flag) | {"qn": segment.header.get("QN"), "crc_variant": variant}
    if not length_valid:
        shared["length_valid"] = False
    sent = next((value for key, value in segment.cp.items() if key.lower() == "datatime"), None)
    if sent is not None:
        shared["data_time"] = moment(sent) or sent
    shared |= own
    st = segment.header.get("ST", "")
    plain = ";".join(f"{key}={value}" for key, value in segment.cp.items() if key.lower() != "datatime")
    if plain:
        shared["cp"] = masked(plain)
    if not segment.factors:
        return [{"factor": None, **shared}]
    found = []
    for code, values in segment.factors.items():
        named = _distinct({name_of(name): value for name, value in values.items()})
        row: dict[str, Any] = {"factor": code, **named}
        known = factor(code, st)
        if known is not None and "unit" not in row:
            row["unit"] = known.unit
        guess = suspect(code, st, row)
        if guess is not None:
            row |= {"unit_suspect": True, "unit_guess": guess}
        found.append(row | shared)
    return found


def _distinct(values: dict[str, str]) -> dict[str, str]:
    """Names that differ by more than their case: tables do not tell `ia` from `Ia`. The first one stays."""
    seen: dict[str, str] = {}
    taken: set[str] = set()
    for name, value in values.items():
        if name.lower() not in taken:
            taken.add(name.lower())
            seen[name] = value
    return seen
