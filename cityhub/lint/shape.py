"""What the models refuse, in sentences: unknown and missing keys, words that are none, values of another kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from pydantic import ValidationError

from cityhub.lint.document import Document, Path
from cityhub.lint.grammar import OTHER_KEYS, OTHER_VALUES, homes, place
from cityhub.lint.problem import Problem, listed, nearest, problem
from cityhub.spec.feed import FeedSpec

# What to type for a key that is missing: the key and an example of its value.
EXAMPLES = {
    "feed": "feed: gas.pressure", "title": "title: {zh: 燃气压力, en: Gas pressure}", "platform": "platform: gas",
    "table": "table: gas_pressure", "description": "description: One English sentence.",
    "owner": 'owner: {department: 县住房和城乡建设局, person: 张三, phone: "0371-00000000"}',
    "source": "source: {kind: rest, address: ${gas_url}/api}", "identity": "identity: {key: [point_id, ts]}",
    "fields": "fields: {point_id: {from: CDBH}}", "key": "key: [point_id, ts]", "from": "from: CDBH",
    "kind": "kind: rest", "address": "address: ${gas_url}", "department": "department: 县住房和城乡建设局",
    "person": "person: 张三", "phone": 'phone: "0371-00000000"', "zh": "zh: 燃气压力", "en": "en: Gas pressure",
    "pattern": 'pattern: "*_{day_compact}.csv"', "sheet": "sheet: Sheet1", "topic": "topic: gas/alarm/+",
    "system": "system: wgs84", "given": "given: {CDBH: P001}", "check": "check: row_count", "at": "at: code",
    "token": "token: gas_token (the name of a secret)", "token_at": "token_at: data.token",
    "cursor_at": "cursor_at: data.next", "listen": "listen: ${dust_hj212}", "path": "path: /login",
}  # fmt: skip
SECRETS = frozenset(
    {"user", "password", "token", "secret", "app_key", "sm4_key", "auth_key", "m1", "ia1", "ic1", "host_key"}
)
_NAME = r"^[a-z]"


def translated(document: Document) -> tuple[FeedSpec | None, list[Problem], str | None]:
    """The spec, or its problems; last what the models say of it as a whole where all its parts are right."""
    try:
        return FeedSpec.model_validate(document.data), [], None
    except ValidationError as error:
        found: list[Problem] = []
        whole: str | None = None
        for item in error.errors():
            if item["type"] == "value_error" and not item["loc"]:
                whole = item["msg"].removeprefix("Value error, ")
                continue
            made = _one(document, item)
            if made is not None and not any((made.line, made.key) == (have.line, have.key) for have in found):
                found.append(made)
        meant = {_renamed(item) for item in found}
        return None, [item for item in found if item.error.code != "CH-REG-011" or item.key not in meant], whole


def _renamed(item: Problem) -> str | None:
    """The key that a mistyped one was to be: that one is not missing then."""
    word = re.fullmatch(r"type `(\w+)`", str(item.error.place.get("advice", "")))
    return ".".join([*item.key.split(".")[:-1], word[1]]) if word and item.error.code == "CH-REG-010" else None


def path_of(document: Document, loc: tuple[Any, ...]) -> Path:
    """The place in the document: without the kinds that a model puts into a location."""
    path: list[str | int] = []
    node: Any = document.data
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        if (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and step < len(node)
        ):
            node = node[step]
        elif step == "[key]" or (isinstance(node, dict) and step == node.get("kind") and not last):
            continue
        path.append(step if isinstance(step, int) and isinstance(document.get(*path), list) else str(step))
    return tuple(path)


def _one(document: Document, item: Any) -> Problem | None:
    path = path_of(document, item["loc"])
    if item["loc"] and item["loc"][-1] == "[key]":
        read_as = "a number" if isinstance(item["input"], int | float) else "a date or true/false"
        return _at("CH-REG-007", document, path, value=_key_typed(document, path, item["input"]), read_as=read_as)
    if is_secret(path) and item["type"] != "missing":
        return None  # told without its value where names of secrets are looked at
    return _of_kind(document, path, item, item.get("ctx") or {})


def _of_kind(document: Document, path: Path, item: Any, context: dict[str, Any]) -> Problem:
    kind = item["type"]
    makers: dict[str, Callable[[], Problem]] = {
        "extra_forbidden": lambda: _unknown(document, path),
        "missing": lambda: _missing(document, path),
        "union_tag_not_found": lambda: _missing(document, (*path, "kind")),
        "union_tag_invalid": lambda: _word(document, (*path, "kind"), _kinds(document, path)),
        "literal_error": lambda: _word(document, path, place(path, document.data).words or _words(context)),
        "string_pattern_mismatch": lambda: _form(document, path, str(context.get("pattern"))),
    }
    if kind in makers:
        return makers[kind]()
    if kind in {"too_short", "string_too_short"}:
        return _missing(document, path)
    if kind.startswith(("greater_than", "less_than")):
        limit = next(iter(context.values()), "?")
        bound = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
        words = f"{bound.get(next(iter(context), ''), '')} {limit}".strip()
        return _at("CH-REG-014", document, path, value=item["input"], bound=words)
    wanted = _wanted(kind)
    if wanted:
        return _other_kind(document, path, item["input"], wanted)
    return _at("CH-REG-019", document, path, problem=item["msg"].removeprefix("Value error, "))


def is_secret(path: Path) -> bool:
    """Whether the name of a secret stands here: what somebody typed instead must not be printed."""
    return path[:1] == ("source",) and str(path[-1]) in SECRETS


def _at(code: str, document: Document, path: Path, **place_: Any) -> Problem:
    return problem(code, document.file, document.line(path), shown(path), **place_)


def shown(path: Path) -> str:
    """A path as it is written: fields.kpa.from, identity.key[0]."""
    return re.sub(r"\.\[", "[", ".".join(f"[{step}]" if isinstance(step, int) else str(step) for step in path))


def _unknown(document: Document, path: Path) -> Problem:
    key, allowed = str(path[-1]), place(path[:-1], document.data).keys
    near = nearest(key, allowed, 0.7)
    other = OTHER_KEYS.get(key.lower())
    if near is None and other in allowed:
        near = other
    parts = [part or "the top of the file" for part in homes().get(key, ()) if part != ".".join(map(str, path[:-1]))]
    if near is None and parts:
        advice = f"move it to `{parts[0]}`"
    elif near is None and other in homes():
        advice = f"that is `{other}`, in `{homes()[other][0] or 'the top of the file'}`"
    else:
        near = near or nearest(key, allowed, 0.5)
        advice = f"type `{near}`" if near else "remove it"
    return _at("CH-REG-010", document, path, name=key, advice=advice, allowed=listed(allowed))


def _missing(document: Document, path: Path) -> Problem:
    key = str(path[-1])
    example = EXAMPLES.get(key) or f"{key}: …"
    meaning = place(path, document.data).description
    return _at("CH-REG-011", document, path, name=key, example=example, meaning=meaning or "the hub cannot do without")


def _kinds(document: Document, path: Path) -> tuple[str, ...]:
    return place(
        (*path, "kind"), {**document.data, str(path[0]): {}} if len(path) == 1 else _emptied(document, path)
    ).words


def _emptied(document: Document, path: Path) -> dict[str, Any]:
    made: dict[str, Any] = {}
    node = made
    for step in path[:-1]:
        have = document.get(*path[: path.index(step) + 1])
        node[str(step)] = dict(have) if isinstance(have, dict) else {}
        node = node[str(step)]
    node[str(path[-1])] = {}
    return made


def _words(context: dict[str, Any]) -> tuple[str, ...]:
    return tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))


def _word(document: Document, path: Path, words: tuple[str, ...]) -> Problem:
    value = document.get(*path)
    near = OTHER_VALUES.get(str(value).lower())
    near = near if near in words else nearest(value, words, 0.55)
    if value is None and "null" in words:
        near = '"null"'
    advice = f"type `{near}`" if near else "type one of them"
    return _at("CH-REG-012", document, path, value=_typed(document, path, value), allowed=listed(words), advice=advice)


def _key_typed(document: Document, path: Path, value: Any) -> str:
    """A key as it stands in the file: 01 where the data hold 1."""
    keys = [str(at[-1]) for at in document.marks if at[:-1] == path[:-1]]
    digits = [key for key in keys if key.isdecimal() and isinstance(value, int) and int(key) == value]
    return digits[0] if digits else str(value).lower() if isinstance(value, bool) else str(value)


def _typed(document: Document, path: Path, value: Any) -> str:
    mark = document.marks.get(path)
    return mark.text if mark and mark.text else "nothing" if value is None else str(value)


def _form(document: Document, path: Path, pattern: str) -> Problem:
    value = str(document.get(*path))
    if path == ("arrives", "expected_by"):
        return _clock(document, path, value)
    rule, example = ("the form " + pattern, "")
    if pattern.startswith(_NAME):
        rule = "lower-case letters a-z, digits and _, first a letter"
        rule += ", two parts joined by a point" if r"\." in pattern else ""
        example = re.sub(r"[^a-z0-9_.]+", "_", value.lower()).strip("_") or "gas_pressure"
        if r"\." in pattern and "." not in example:
            example = f"{document.text('platform') or 'gas'}.{example}"
    elif "0x" in pattern:
        rule, example = "0x and four hexadecimal digits in capitals, with quotes", '"0x0200"'
    elif pattern == r"^\d+$":
        rule, example = "digits only, with quotes", '"2011"'
    return _at("CH-REG-015", document, path, value=value, rule=rule, example=example or "a value of that form")


def _clock(document: Document, path: Path, value: str) -> Problem:
    digits = re.fullmatch(r"(\d{1,2})\D?(\d\d)?.*", value)
    likely = f'"{int(digits[1]):02d}:{digits[2] or "00"}"' if digits and int(digits[1]) < 24 else '"06:00"'
    return _at("CH-REG-016", document, path, value=value, likely=likely)


def _wanted(kind: str) -> str | None:
    starts = {
        "string": "a text", "bool": "true or false", "int": "a whole number", "float": "a number",
        "list": "a list", "dict": "a mapping", "model": "a mapping",
    }  # fmt: skip
    return next((words for start, words in starts.items() if kind.startswith(start)), None)


def _other_kind(document: Document, path: Path, value: Any, wanted: str) -> Problem:
    if path == ("arrives", "expected_by"):
        return _clock(document, path, _typed(document, path, value))
    text = _typed(document, path, value)
    mark = document.marks.get(path)
    if wanted == "a text" and isinstance(value, bool | int | float | date):
        if mark is None or mark.plain is False:  # a key: it has no mark of its own
            text = str(value).lower() if isinstance(value, bool) else str(value)
        kinds = {bool: "true/false", int: "a number", float: "a number"}
        read_as = kinds.get(type(value), "a date")
        return _at("CH-REG-007", document, path, value=text, read_as=read_as)
    if value is None and wanted == "a text":
        return _missing(document, path)
    advice = {
        "a list": f"type `{path[-1]}: [{text}]`" if isinstance(value, str) else "type [one, two]",
        "a mapping": "type {key: value} or indent its keys below it",
        "true or false": f"type {OTHER_VALUES.get(str(value), 'true or false')}, without quotes",
        "a whole number": "type digits only", "a number": "type digits, with a point before decimals",
        "a text": "type a text",
    }[wanted]  # fmt: skip
    return _at("CH-REG-013", document, path, value=text[:60], wanted=wanted, advice=advice)
