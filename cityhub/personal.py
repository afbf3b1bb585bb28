"""What personal data look like: Chinese identity-card numbers, mobile numbers, names; and how such a value is shown."""

from __future__ import annotations

import re
from datetime import date

# GB 11643-1999: six digits of the place, eight of the birthday, three of the order, one of ISO 7064 MOD 11-2.
ID_CARD = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{16}[0-9Xx])(?![0-9A-Za-z])")
OLD_ID_CARD = re.compile(r"[1-9]\d{14}")
# Not inside a longer number or a code: LB13812345678 and 13812345678-01 are names of things.
MOBILE = re.compile(r"(?<![0-9A-Za-z_.\-])(?:(?:\+?86)[ -]?)?(1[3-9]\d{9})(?![0-9A-Za-z_.\-])")
NAME = re.compile(r"[\u4e00-\u9fa5]{2,4}|[\u4e00-\u9fa5]{1,6}·[\u4e00-\u9fa5]{1,8}")

_WEIGHTS = tuple(2**i % 11 for i in range(17, 0, -1))
_CHECK = "10X98765432"
# First two digits of GB/T 2260: provinces.
_PROVINCES = {
    *range(11, 16),
    21,
    22,
    23,
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
    83,
}
# Codes that somebody makes of a district, today's date and a number have this shape too; the people of our feeds are
# no babies.
_YOUNGEST_YEARS = 3
# Four out of five people have one of these family names.
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范"
    "金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐庞翟"
)


def is_id_card(text: str, today: date) -> bool:
    """Whether 18 characters are an identity-card number: place, birthday and check digit fit."""
    if not ID_CARD.fullmatch(text) or int(text[:2]) not in _PROVINCES or not _birthday(text[6:14], today):
        return False
    return _CHECK[sum(w * int(c) for w, c in zip(_WEIGHTS, text, strict=False)) % 11] == text[17].upper()


def is_old_id_card(text: str, today: date) -> bool:
    """Whether 15 digits may be an identity-card number of before 1999: it has no check digit, so a weak hint."""
    if not OLD_ID_CARD.fullmatch(text) or int(text[:2]) not in _PROVINCES:
        return False
    return _birthday(f"19{text[6:12]}", today)


def _birthday(text: str, today: date) -> bool:
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return day.year >= 1900 and day.year <= today.year - _YOUNGEST_YEARS


def shape(text: str) -> str:
    """What may be shown of a personal value: 138****xx, 410221****x, 张*."""
    if text[:1] >= "\u2e80":
        return text[0] + "*" * (len(text) - 1)
    return text[:3] + "****xx" if len(text) < 15 else text[:6] + "****x"


_LONG_NUMBER = re.compile(r"\d{9,}[Xx]?")  # dates in names of files may stay
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’|`[^`]*`")
_ROW = re.compile(r"(=|contains )\([^)]*\)")  # PostgreSQL: Key (a)=(b), Failing row contains (…)


def quiet(text: str, known: frozenset[str] = frozenset()) -> str:
    """A message without the values that it quotes: texts in quotes except `known` ones, rows, long numbers."""
    text = _QUOTED.sub(lambda match: match[0] if match[0][1:-1] in known else match[0][0] + "…" + match[0][-1], text)
    return _LONG_NUMBER.sub("…", _ROW.sub(r"\1(…)", text))
