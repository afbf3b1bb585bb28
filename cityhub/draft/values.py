"""What a column's texts look like: type, time format, words that stand for nothing, units in its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median

from cityhub.spec.units import FACTORS

MISSING = ("", "NA", "N/A", "null", "NULL", "--", "-")
_NOTHING = {
    "无",
    "空",
    "暂无",
    "未知",
    "/",
    "\\",
    "none",
    "nan",
    "n.a.",
    "—",
    "——",
    "无数据",
    "缺测",
    "#n/a",
    "nil",
    "*",
    "---",
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}((\.\d{3})+|( \d{3})+))(,\d*)?")
_ISO = re.compile(r"\d{4}([-/]\d{1,2}[-/]|年\d{1,2}月)\d{1,2}日?(?P<time>[Tt ]? ?\d{1,2}[:时点].*)?")
_US = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}(?P<time> \d{1,2}:\d\d.*)?")
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<time>\d{2}|\d{4}|\d{6}|\d{9})?")
_TRUTH = {"true", "false", "t", "f", "y", "n", "yes", "no", "是", "否"}
_ABOUT_TIME = re.compile(r"(?i)time|date|stamp|时间|日期|sj$|rq$|_at$|^ts$|^t$")
_IDENTITY = re.compile(
    r"(?i)(^|_|[a-z])(id|no|code|bh|bm|dm|sn|imei|phone|mobile|tel)$|编号|编码|代码|号$|号码|电话|手机"
)
_UNIT = re.compile(r"[(（\[【]\s*(?P<unit>[^()（）\[\]【】]+?)\s*[)）\]】]\s*$")
_ALIASES = {
    "公斤": "kg", "千克": "kg", "吨": "t", "毫米": "mm", "厘米": "cm", "米": "m", "公里": "km", "千米": "km",
    "兆帕": "MPa", "千帕": "kPa", "巴": "bar", "亩": "mu", "公顷": "ha", "平方米": "m2", "㎡": "m2", "m²": "m2",
    "m³": "m3", "立方米": "m3", "方": "m3", "mg/m³": "mg/m3", "μg/m³": "ug/m3", "µg/m³": "ug/m3", "ng/m³": "ng/m3",
    "千瓦时": "kWh", "度": "kWh", "兆瓦时": "MWh", "吉焦": "GJ", "m³/h": "m3/h", "英寸": "inch", "℃": "°C", "°c": "°C",
}  # fmt: skip
_KNOWN_UNITS = {unit.lower(): unit for pair in FACTORS for unit in pair} | {
    name.lower(): name for name in ("m3", "m3/h", "V", "A", "W", "%", "°C", "h", "min", "s", "GJ", "km/h")
}
_SUFFIX_UNITS = {
    "kg",
    "t",
    "mm",
    "cm",
    "km",
    "mpa",
    "kpa",
    "bar",
    "kwh",
    "mwh",
    "gj",
    "mu",
    "ha",
    "m2",
    "m3",
    "m3h",
    "inch",
}


@dataclass(frozen=True)
class Look:
    """A column as it looks. `numbers` are its values where it is numeric; `odd` are words to be taken as missing;
    `declared`: the source itself says so."""

    type: str
    why: str
    format: str = "iso"
    odd: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    declared: bool = False

    @property
    def distinct(self) -> dict[str, int]:
        """Text → how often, most frequent first."""
        counts: dict[str, int] = {}
        for text in self.filled:
            counts[text] = counts.get(text, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    @property
    def typical(self) -> float | None:
        """The median of the numbers."""
        return median(self.numbers) if self.numbers else None

    @property
    def high(self) -> float | None:
        """What all but the largest twentieth of the numbers reach, signs aside: outliers say nothing about a unit."""
        return sorted(map(abs, self.numbers))[int(0.95 * (len(self.numbers) - 1))] if self.numbers else None

    def seen(self) -> str:
        """The range of the numbers, for a comment."""
        return f"seen {min(self.numbers):g} … {max(self.numbers):g}" if self.numbers else ""


def look(name: str, texts: Sequence[str | None], *, decimal: str = ".", declared: str | None = None) -> Look:
    """What a column is, by its name, its texts and what the source declares."""
    narrow = [unicodedata.normalize("NFKC", text).strip() for text in texts if text is not None]
    filled = [text for text in narrow if text not in MISSING]
    if not filled:
        return Look(declared or "text", "no value was seen")
    for found in (_time(name, filled, declared), _truth(name, filled, declared), _number(name, filled, decimal)):
        if found is not None:
            return replace(found, declared=found.type == declared)
    return Look("text", "", filled=tuple(filled))


def _time(name: str, filled: list[str], declared: str | None) -> Look | None:
    real, odd = _without_words(filled)
    if not real:
        return None
    done = {"odd": odd, "filled": tuple(real)}
    iso = [_ISO.fullmatch(text) for text in real]
    if all(iso):
        timed = any(match["time"] for match in iso if match)
        kind = "timestamp" if timed or declared == "timestamp" else "date"
        return Look(kind, f"looks like {real[0]}", **done)  # type: ignore[arg-type]  # odd and filled, as declared
    us = [_US.fullmatch(text) for text in real]
    if all(match and int(match[1]) <= 12 for match in us):
        timed = any(match["time"] for match in us if match)
        return Look("timestamp" if timed else "date", f"looks like {real[0]}, month first", "us", odd, tuple(real))
    return _digits(name, real, odd)


def _digits(name: str, real: list[str], odd: tuple[str, ...]) -> Look | None:
    about = bool(_ABOUT_TIME.search(name))
    compact = [_COMPACT.fullmatch(text) for text in real]
    if all(match and _is_day(match) for match in compact) and (about or all(len(text) >= 14 for text in real)):
        timed = any(match["time"] for match in compact if match)
        return Look("timestamp" if timed else "date", f"looks like {real[0]}", "compact", odd, tuple(real))
    if not about or not all(_NUMBER.fullmatch(text) for text in real):
        return None
    values = [float(text) for text in real]
    for form, low, high in (("epoch_s", 9e8, 4e9), ("epoch_ms", 9e11, 4e12), ("excel", 32874, 55153)):
        if all(low <= value <= high for value in values):
            return Look("timestamp", f"looks like {real[0]}", form, odd, tuple(real))
    return None


def _is_day(match: re.Match[str]) -> bool:
    try:
        date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return False
    return True


def _without_words(filled: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The texts without words for nothing, and those words."""
    odd = {text for text in filled if text.lower() in _NOTHING}
    return [text for text in filled if text not in odd], tuple(sorted(odd))


def _truth(name: str, filled: list[str], declared: str | None) -> Look | None:
    lower = {text.lower() for text in filled}
    if lower <= _TRUTH and len(lower) <= 2:
        return Look("boolean", f"values are {', '.join(sorted(set(filled)))}", filled=tuple(filled))
    says = declared == "boolean" or re.search(r"(?i)^(is|has)[_A-Z]|^sf|是否", name)
    if lower <= {"0", "1"} and says:
        return Look("boolean", "values are 0 and 1", filled=tuple(filled), numbers=tuple(map(float, filled)))
    return None


def _number(name: str, filled: list[str], decimal: str) -> Look | None:
    pattern = _COMMA if decimal == "," else _NUMBER
    real = [text for text in filled if pattern.fullmatch(text)]
    rest = {text for text in filled if not pattern.fullmatch(text)}
    nothing = {text for text in rest if text.lower() in _NOTHING}
    strange = sorted(rest - nothing)
    if not real or (rest and (len(rest) > 5 or len(real) < 0.8 * len(filled))):
        return None
    padded = any(re.fullmatch(r"0\d+", text) for text in real)
    if padded or (is_identity(name) and all(re.fullmatch(r"\d+", text) for text in real)):
        return None
    values = tuple(float(_dotted(text, decimal)) for text in real)
    whole = all(re.fullmatch(r"-?\d{1,18}", text) for text in real)
    why = (
        f"{', '.join(strange)} is no number and is refused; if it stands for nothing, add it to `missing`"
        if strange
        else ""
    )
    odd = tuple(sorted(nothing))
    return Look("integer" if whole else "double", why, odd=odd, filled=tuple(real), numbers=values)


def _dotted(text: str, decimal: str) -> str:
    return text.replace(".", "").replace(" ", "").replace(",", ".") if decimal == "," else text


def is_identity(name: str) -> bool:
    """Whether a name says that its digits are no quantity."""
    return bool(_IDENTITY.search(bare(name)))


def unit_in(name: str) -> str | None:
    """The unit that a column's name mentions: 净重(kg), yl_mpa."""
    found = _UNIT.search(unicodedata.normalize("NFC", name))
    if found:
        text = found["unit"].strip()
        return _ALIASES.get(text) or _KNOWN_UNITS.get(text.lower())
    last = name.lower().rpartition("_")
    if last[0] and last[2] in _SUFFIX_UNITS:
        return "m3/h" if last[2] == "m3h" else _KNOWN_UNITS[last[2]]
    return None


def bare(name: str) -> str:
    """A name without its unit: 净重(kg) → 净重, yl_mpa → yl."""
    without = _UNIT.sub("", name).strip()
    head, _, tail = without.rpartition("_")
    return head if head and tail.lower() in _SUFFIX_UNITS else without
