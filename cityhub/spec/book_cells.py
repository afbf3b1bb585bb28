"""Values as cells and back, without loss: a text stays a text whatever it looks like, a list is written as [a, b]."""

from __future__ import annotations

import json
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.spec.book import NO, NULL, YES, Kind, Place
from cityhub.spec.emit import flow, scalar

# What a sheet would change or a reader misunderstand: control characters, outer blanks, formulas, _x000D_.
_ODD = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ufffe\uffff\ud800-\udfff]|_x[0-9A-Fa-f]{4}_")


class Wrong(ValueError):
    """A cell that cannot be read; the text says what to type."""


def to_cell(value: Any, kind: Kind) -> Any:
    """What is written: text, number or 是/否; an absent value is an empty cell."""
    if value is None or kind == "words":
        return NULL if value is None else str(value)
    if kind == "boolean" and isinstance(value, bool):
        return YES if value else NO
    if kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return (
            value if abs(value) < 1e15 and float(f"{value:.15g}") == value else repr(value)
        )  # a sheet keeps 15 digits
    if kind == "structure" or isinstance(value, (dict, list)):
        return _escaped(flow(value))
    if kind == "scalar":
        return _escaped(scalar(value, flow=True))
    return _text(str(value))


def _text(text: str) -> str:
    odd = not text or text == NULL or text != text.strip() or text[0] in "\"'=" or _ODD.search(text)
    return json.dumps(text, ensure_ascii=True) if odd else text


def _escaped(text: str) -> str:
    """A YAML text without characters that a sheet does not keep: they can only stand inside double quotes."""
    return _ODD.sub(lambda found: "".join(f"\\u{ord(char):04x}" for char in found[0]), text)


def from_cell(cell: Any, place: Place) -> Any:
    """The value of a cell that is not empty; raises `Wrong` with what to type."""
    if isinstance(cell, str) and cell.strip() == NULL and not (place.kind == "words" and NULL in place.words):
        return None
    if place.kind in {"boolean", "number"}:
        return _truth(cell) if place.kind == "boolean" else _number(cell)
    text = _plain(cell)
    if place.kind in {"structure", "scalar"}:
        return _yaml(text, place)
    return text.strip() if place.kind == "words" else _unquoted(text)


def _unquoted(text: str) -> str:
    """A text without the quotes that `to_cell` puts around odd ones."""
    try:
        return str(json.loads(text)) if len(text) > 1 and text[0] == text[-1] == '"' else text
    except ValueError:
        return text


def _plain(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())[:5] if not hasattr(cell, "year") else str(cell)
    return str(cell)


def _truth(cell: Any) -> Any:
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower()
    if word in {YES, "true", "yes", "y", "1"}:
        return True
    if word in {NO, "false", "no", "n", "0"}:
        return False
    raise Wrong(f"{cell} is neither: choose {YES} or {NO}")


def _number(cell: Any) -> Any:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15 else cell
    try:
        return int(str(cell)) if re.fullmatch(r"[+-]?\d+", str(cell).strip()) else float(str(cell).strip())
    except ValueError:
        raise Wrong(f"{cell!r} is no number: type digits such as 12 or 0.5") from None


def _yaml(text: str, place: Place) -> Any:
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError):
        raise Wrong(f"{text[:60]!r} cannot be read: type [a, b] for a list or {{a: b}} for pairs") from None
    if place.kind == "structure" and not isinstance(found, (dict, list)):
        raise Wrong(f"{text[:60]!r} is a single value: type [{text[:30]}] for a list or {{a: b}} for pairs")
    return found
