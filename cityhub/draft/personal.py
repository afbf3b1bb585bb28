"""Texts about a person: telling them by their form, and replacing them by invented ones of the same form."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PHONE = re.compile(r"(\+?86[- ]?)?1[3-9]\d{9}")
_CARD = re.compile(r"\d{17}[\dXx]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ABOUT_DEVICE = re.compile(r"(?i)sim|终端|terminal|device|设备")
_NAMES = ("张三", "李四", "王五", "赵六")


def guess(name: str, texts: Sequence[str]) -> str | None:
    """What the values are by their form: `mobile number`, `id number` or None."""
    if not texts or _ABOUT_DEVICE.search(name):
        return None
    for what, test in (("mobile number", _PHONE.fullmatch), ("id number", is_id_number)):
        if sum(bool(test(text)) for text in texts) >= 0.6 * len(texts):
            return what
    return None


def is_id_number(text: str) -> bool:
    """Whether a text is a resident's id number: 18 places whose last one is the check of the others."""
    if not _CARD.fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def invented(text: str, number: int) -> str:
    """An invented text of the same form: other digits, other letters, a common name for a Chinese one."""
    if _PHONE.fullmatch(text):
        return f"1000000{number:04d}"
    if re.fullmatch(r"[\u4e00-\u9fff·]{2,6}", text):
        return _NAMES[number % len(_NAMES)]
    replaced = re.sub(r"[A-WYZa-wyz]", "A", re.sub(r"\d", "0", text))
    digits = f"{number + 1}"
    return replaced[: -len(digits)] + digits if len(replaced) > len(digits) else digits
