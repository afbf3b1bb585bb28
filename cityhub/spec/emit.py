"""Values as YAML text: the one place that decides about quotes, so that what is written is read as the same value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 120  # a collection that needs a longer line is written over several
_PLAIN = re.compile(r"(?![\s!-#%-.:-@\[-`{-~])[^\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")
_TOUCHY = re.compile(r"[-+.\d][-+.,:\d_eExXobaAcCdDfFtTzZ ]*|0[xob][0-9a-fA-F_]+")
_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity", "~"}
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def scalar(value: Any, *, flow: bool = False) -> str:
    """One scalar as YAML. Texts that any YAML reader could take for something else are quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    text = str(value)
    return str(text) if _is_plain(text, flow) else _quoted(text)


def _number(value: int | float) -> str:
    text = repr(value) if isinstance(value, int) else repr(float(value))
    if text in {"inf", "-inf", "nan"}:
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[text]
    # YAML wants a dot in the mantissa: 1e-05 alone would be a text.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _is_plain(text: str, flow: bool) -> bool:
    if not _PLAIN.fullmatch(text) or text != text.strip() or text.lower() in _WORDS or _TOUCHY.fullmatch(text):
        return False
    if ": " in text or " #" in text or text.endswith(":"):
        return False
    return not (flow and (re.search(r"[,\[\]{}]", text) or ":" in text))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def flow(value: Any) -> str:
    """A value in one line: `{zh: 车牌, en: Plate}`."""
    if isinstance(value, Mapping):
        items = (f"{scalar(str(key), flow=True)}: {flow(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value, flow=True)


def block(value: Any, indent: int, *, room: int | None = None) -> str:
    """What stands after `key:`, with its leading space or line break: in one line where it fits into `room` columns
    (default: what the indentation leaves), else one line an entry, each `indent` + 2 deep."""
    if not isinstance(value, (Mapping, list, tuple)):
        return " " + scalar(value)
    line = flow(value)
    if len(line) <= (WIDTH - indent if room is None else room) or not value:
        return " " + line
    pad = "\n" + " " * (indent + 2)
    if isinstance(value, Mapping):
        entries = (f"{pad}{scalar(str(key))}:{block(item, indent + 2)}" for key, item in value.items())
        return "".join(entries)
    return "".join(f"{pad}-{entry(item, indent + 2)}" for item in value)


def entry(value: Any, indent: int) -> str:
    """An entry of a list after its dash; a mapping begins on the same line."""
    text = block(value, indent)
    if isinstance(value, (Mapping, list, tuple)) and text.startswith("\n"):
        return " " + text.lstrip("\n ")
    return text
