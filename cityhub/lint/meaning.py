"""What a spec says as a whole: names that are no fields, units without factor, limits the wrong way round.

Works on the file as typed, so that these are told beside a mistyped key; nothing here needs a spec that is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from cityhub.lint import cron
from cityhub.lint.document import Document, Path
from cityhub.lint.problem import Problem, Severity, listed, nearest, problem
from cityhub.lint.shape import shown
from cityhub.spec.units import FACTORS, factor

NUMBERS, TIMES = {"integer", "double", "decimal"}, {"timestamp", "date"}
OTHERS = {"text", "boolean"} | NUMBERS | TIMES  # a mistyped type says nothing about what fits it
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def at(code: str, document: Document, path: Path, *, severity: Severity = "error", **place: object) -> Problem:
    """A problem at a path of the document."""
    return problem(code, document.file, document.line(path), shown(path), severity=severity, **place)


def problems(document: Document) -> Iterator[Problem]:
    """All of them, part by part."""
    yield from _head(document)
    yield from _names(document)
    for name in document.mapping("fields"):
        if isinstance(name, str):
            yield from _field(document, name)
    yield from _sources(document)
    yield from _exposed(document)
    yield from _identity(document)
    yield from _unit(document)
    yield from _arrives(document)
    for number in range(document.count("checks")):
        yield from _check(document, number)


def kind_of(document: Document, field: object) -> str:
    """The type of a field, text unless told."""
    return document.text("fields", str(field), "type") or "text"


def _head(document: Document) -> Iterator[Problem]:
    feed, platform = document.text("feed"), document.text("platform")
    if feed and platform and not feed.startswith(platform + "."):
        likely = f"{platform}.{feed.rpartition('.')[2]}"
        yield at("CH-REG-017", document, ("feed",), feed=feed, platform=platform, likely=likely)
    stem = PurePath(document.file).name.removesuffix(".yaml")
    if feed and PurePath(document.file).suffix and stem != feed:
        yield at("CH-REG-018", document, ("feed",), feed=feed, stem=stem)


def _names(document: Document) -> Iterator[Problem]:
    """Every place that names one of our fields."""
    single: list[Path] = [("identity", "day_from"), ("identity", "version"), ("unit", "field"), ("location", "lon")]
    single += [("location", "lat"), ("watch", "rate")]
    found: list[Path] = [path for path in single if document.text(*path)]
    for lists in (("identity", "key"), ("identity", "history"), ("arrives", "device"), ("watch", "frozen")):
        found += [(*lists, number) for number in range(document.count(*lists)) if document.text(*lists, number)]
    found += [("checks", i, "column") for i in range(document.count("checks")) if document.text("checks", i, "column")]
    found += [("identity", "tombstone", str(name)) for name in document.mapping("identity", "tombstone")]
    fields = [str(name) for name in document.mapping("fields")]
    sources = {str(document.get("fields", name, "from")): name for name in fields}
    if document.mapping("location"):
        for name in ("lon", "lat"):
            if document.text("location", name) is None and name not in fields:
                yield at("CH-REG-020", document, ("location",), name=name, advice=f"write `{name}: ` and your field",
                         fields=listed(fields))  # fmt: skip
    located = {"lon_wgs84", "lat_wgs84"} if document.mapping("location") else set()
    for path in found if fields else []:
        name = str(path[-1] if "tombstone" in path else document.get(*path))
        if name in fields or (name in located and path[0] in {"checks", "watch"}):
            continue
        near = sources.get(name) or nearest(name, fields, 0.5)
        advice = f"type `{near}`" if near else "type one of them, or add the field"
        yield at("CH-REG-020", document, path, name=name, advice=advice, fields=listed(fields))


def _field(document: Document, name: str) -> Iterator[Problem]:
    path, field = ("fields", name), document.mapping("fields", name)
    if not _NAME.fullmatch(name):
        example = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "point_id"
        rule = "lower-case letters a-z, digits and _, at most 63; the Chinese name goes into `title`"
        yield at("CH-REG-015", document, path, value=name, rule=rule, example=example)
    kind = kind_of(document, name)
    yield from _units(document, path, field, kind)
    low, high = field.get("min"), field.get("max")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield at("CH-REG-024", document, (*path, "min"), low=low, high=high)
    for limit in ("min", "max"):
        if field.get(limit) is not None and kind in OTHERS - NUMBERS:
            yield _useless(document, (*path, limit), f"type is {kind}", "double, integer or decimal")
    if "zone" in field and not _zone(field["zone"]):
        yield at("CH-REG-025", document, (*path, "zone"), value=field["zone"])
    if "format" in field and kind in OTHERS - TIMES:
        yield _useless(document, (*path, "format"), f"type is {kind}", "timestamp or date")
    if isinstance(field.get("pattern"), str):
        try:
            re.compile(field["pattern"])
        except re.error as error:
            yield at("CH-REG-026", document, (*path, "pattern"), value=field["pattern"], detail=str(error))
    yield from _codes(document, path, field)
    if field.get("personal") in {"hash", "mask"} and kind != "text":
        yield at("CH-REG-041", document, (*path, "personal"), kind=kind, personal=field["personal"])
    needed = field.get("required") is True or name in [
        *document.words("identity", "key"),
        document.text("identity", "day_from"),
    ]
    if field.get("if_bad") == "null" and needed:
        yield _useless(document, (*path, "if_bad"), "the row cannot do without this field", "a field that may be empty")


def _useless(document: Document, path: Path, because: str, fits: str) -> Problem:
    return at("CH-REG-048", document, path, severity="warning", name=path[-1], because=because, fits=fits)


def _units(document: Document, path: Path, field: dict[str, Any], kind: str) -> Iterator[Problem]:
    have, want = field.get("unit"), field.get("to")
    if (have is None) != (want is None):
        given, lacks = ("unit", "to") if want is None else ("to", "unit")
        yield at("CH-REG-023", document, (*path, given), given=given, lacks=lacks, value=have or want)
    elif isinstance(have, str) and isinstance(want, str):
        if factor(have, want) is None:
            near = _near_pair(have, want)
            yield at("CH-REG-022", document, (*path, "unit"), have=have, want=want, near=near)
        elif kind in OTHERS - NUMBERS:
            yield _useless(document, (*path, "unit"), f"type is {kind}", "double, integer or decimal")


def _near_pair(have: str, want: str) -> str:
    """Pairs with a factor that are near to a pair without: the same units in another spelling, or from this unit."""
    units = list(dict.fromkeys(unit for pair in FACTORS for unit in pair))
    first, second = nearest(have, units, 0.4), nearest(want, units, 0.4)
    if first and second and factor(first, second) is not None and first != second:
        return f"unit: {first}, to: {second}"
    pairs = [pair for pair in FACTORS if have in pair or want in pair or first in pair or second in pair]
    return "; ".join(f"unit: {one}, to: {other}" for one, other in pairs[:4]) or "none is near"


def _zone(name: object) -> bool:
    try:
        ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return False
    return True


def _codes(document: Document, path: Path, field: dict[str, Any]) -> Iterator[Problem]:
    codes = field.get("codes")
    seen: dict[str, tuple[object, object]] = {}
    for key, value in (codes if isinstance(codes, dict) else {}).items():
        plain = str(key).translate({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}).strip(" \t\u3000\xa0")
        first = seen.setdefault(plain, (key, value))
        if first[0] != key:
            place = {"first": first[0], "one": first[1], "other": value}
            yield at("CH-REG-029", document, (*path, "codes", str(key)), value=key, **place)


def _sources(document: Document) -> Iterator[Problem]:
    """Two fields that read the same column in the same way: one of them was copied and not changed."""
    seen: dict[str, str] = {}
    for name, field in document.mapping("fields").items():
        if not isinstance(field, dict) or not isinstance(field.get("from"), str):
            continue
        rest = {key: value for key, value in field.items() if key not in {"title", "description"}}
        known = seen.setdefault(repr(sorted(rest.items(), key=str)), str(name))
        if known != name:
            yield at("CH-REG-028", document, ("fields", str(name), "from"), severity="warning", source=field["from"],
                     other=known)  # fmt: skip


def _exposed(document: Document) -> Iterator[Problem]:
    """A field without protection that reads what another field protects."""
    sources = {str(name): str(document.get("fields", str(name), "from")) for name in document.mapping("fields")}
    guarded = {
        name: source
        for name, source in sources.items()
        if document.get("fields", name, "personal") in {"hash", "mask", "drop"}
    }
    for name, source in sources.items():
        for other, personal in guarded.items():
            same = source == personal or personal.startswith(source + ".") or source.startswith(personal + ".")
            if name not in guarded and same:
                yield at("CH-REG-049", document, ("fields", name, "from"), severity="warning", name=name,
                         source=source, other=other)  # fmt: skip


def _identity(document: Document) -> Iterator[Problem]:
    day_from, version = document.text("identity", "day_from"), document.text("identity", "version")
    fields, key = document.mapping("fields"), document.words("identity", "key")
    for number, name in enumerate(key):
        if name in key[:number]:
            yield at("CH-REG-021", document, ("identity", "key", number), name=name)
        if document.get("fields", name, "personal") == "drop":
            yield at("CH-REG-043", document, ("identity", "key", number), name=name)
    if day_from in fields and kind_of(document, day_from) not in TIMES:
        yield at("CH-REG-042", document, ("identity", "day_from"), name=day_from, kind=kind_of(document, day_from),
                 kinds="timestamp or date")  # fmt: skip
    if version in fields and kind_of(document, version) not in {*TIMES, "integer"}:
        yield at("CH-REG-042", document, ("identity", "version"), name=version, kind=kind_of(document, version),
                 kinds="timestamp, date or integer")  # fmt: skip
    if day_from in fields and document.get("fields", day_from, "required") is not True:
        yield at("CH-REG-040", document, ("identity", "day_from"), severity="warning", name=day_from)
    if document.text("source", "cursor") and not version and day_from is None:
        yield at("CH-REG-039", document, ("source", "cursor"), severity="warning",
                 cursor=document.text("source", "cursor"))  # fmt: skip
    if document.words("identity", "history") and (day_from or version):
        yield at("CH-REG-047", document, ("identity", "history"), what="identity.history",
                 lacks="a register: rows without `day_from` and `version`")  # fmt: skip
    deletes, tombstone = document.text("identity", "deletes"), document.mapping("identity", "tombstone")
    if deletes == "tombstone" and not tombstone:
        yield at("CH-REG-047", document, ("identity", "deletes"), what="deletes: tombstone",
                 lacks="`tombstone: {our column: [values that mean deleted]}`")  # fmt: skip
    if deletes == "full_compare" and document.text("source", "cursor"):
        yield at("CH-REG-047", document, ("identity", "deletes"), what="deletes: full_compare",
                 lacks="a whole list; with `cursor` only changes come, and all other rows would be closed")  # fmt: skip


def _unit(document: Document) -> Iterator[Problem]:
    by = document.text("unit", "by")
    wants = {"code": ("field",), "lookup": ("field", "table", "key")}.get(str(by), ())
    for name in wants:
        if not document.text("unit", name):
            yield at("CH-REG-047", document, ("unit", "by"), what=f"unit: by {by}", lacks=f"`{name}: …`")
    if by == "point" and not document.mapping("location"):
        yield at("CH-REG-047", document, ("unit", "by"), what="unit: by point",
                 lacks="`location: {lon: lon, lat: lat, system: gcj02}`")  # fmt: skip


def _arrives(document: Document) -> Iterator[Problem]:
    schedule = document.get("arrives", "schedule")
    if isinstance(schedule, str) and (detail := cron.wrong(schedule)):
        path = ("arrives", "schedule")
        yield at("CH-REG-027", document, path, value=schedule, detail=detail, likely=cron.likely(schedule))
    due = document.get("arrives", "expected_by")
    if isinstance(due, str) and re.fullmatch(r"\d\d:\d\d", due) and (due[:2] > "23" or due[3:] > "59"):
        yield at("CH-REG-016", document, ("arrives", "expected_by"), value=due, likely='"06:00"')
    low, high = document.get("arrives", "min_rows"), document.get("arrives", "max_rows")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield at("CH-REG-024", document, ("arrives", "min_rows"), low=low, high=high)


def _check(document: Document, number: int) -> Iterator[Problem]:
    path: Path = ("checks", number)
    check = document.mapping(*path)
    name = str(check.get("check"))
    limits = {"between": ("column", "min or max"), "mean_between": ("column", "min or max"),
              "in_set": ("column", "values"), "not_null": ("column",), "distinct_at_least": ("column", "min"),
              "sql": ("sql",), "row_count": ("min or max",)}  # fmt: skip
    for need in limits.get(name, ()):
        if not any(check.get(word) is not None for word in need.split(" or ")):
            yield at("CH-REG-047", document, (*path, "check"), what=f"check: {name}", lacks=f"`{need}`")
    low, high = check.get("min"), check.get("max")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        yield at("CH-REG-024", document, (*path, "min"), low=low, high=high)
