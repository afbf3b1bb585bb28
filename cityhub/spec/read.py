"""Reading feed specs: every problem of a file at once, with its line."""

from __future__ import annotations

import difflib
import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.todo import todos


def read_spec(path: Path) -> FeedSpec:
    """The spec in a file, parsed once per version of the file: DAG parsing reads all specs at each turn."""
    stat = path.stat()
    return _read_version(path, stat.st_mtime_ns, stat.st_size)


@cache
def _read_version(path: Path, _mtime_ns: int, _size: int) -> FeedSpec:
    return parse_spec(path)


def parse_spec(path: Path) -> FeedSpec:
    """One feed spec; raises `Stop` CH-FEED-003 (not YAML) or CH-FEED-001 (first problem; `problems` on the
    error lists all, each with field and line)."""
    try:
        raw = YAML().load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Stop("CH-FEED-003", file=str(path), line=line, detail=error.problem) from None
    except UnicodeDecodeError as error:
        raise Stop("CH-FEED-003", file=str(path), line=1, detail=f"not UTF-8: {error.reason}") from None
    unfinished = list(todos(raw))
    if unfinished:
        raise _unfinished(path, raw, unfinished)
    try:
        return FeedSpec.model_validate(raw)
    except ValidationError as error:
        problems = [
            {
                "field": ".".join(str(part) for part in item["loc"]) or "spec",
                "line": _line(raw, item["loc"]),
                "problem": item["msg"].removeprefix("Value error, "),
            }
            for item in error.errors()
        ]
        stop = Stop("CH-FEED-001", file=str(path), **problems[0], more=len(problems) - 1 or None)
        stop.problems = problems  # type: ignore[attr-defined]  # read by `cityhub feed check`
        raise stop from None


def _unfinished(path: Path, raw: Any, places: list[tuple[int | str, ...]]) -> Stop:
    """What a draft leaves to a person, all of it."""
    problems = [
        {"field": ".".join(map(str, where)), "line": _line(raw, where), "problem": "still TODO: type the right value"}
        for where in places
    ]
    stop = Stop("CH-FEED-006", file=str(path), **problems[0], more=len(problems) - 1 or None)
    stop.problems = problems  # type: ignore[attr-defined]  # read by `cityhub feed check`
    return stop


def _line(node: Any, loc: tuple[int | str, ...]) -> int:
    line = 1
    for part in loc:
        marks = getattr(node, "lc", None)
        if marks is None:
            break
        if isinstance(node, dict) and part in node:
            line = marks.key(part)[0] + 1
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            line = marks.item(part)[0] + 1
            node = node[part]
    return line


def read_good(folder: Path) -> tuple[dict[str, FeedSpec], list[Stop]]:
    """The specs that can be read, by feed name, and the errors of the others: one broken file costs itself only.

    Of two specs that clash in feed or table, the second by file name is the broken one (CH-FEED-004).
    """
    specs: dict[str, FeedSpec] = {}
    errors: list[Stop] = []
    tables: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            spec = read_spec(path)
            if spec.feed in specs:
                raise Stop("CH-FEED-004", first=path.name, second=spec.feed, thing="feed")
            if spec.table in tables:
                raise Stop("CH-FEED-004", first=path.name, second=tables[spec.table], thing=f"table {spec.table}")
        except Stop as error:
            errors.append(error)
            continue
        specs[spec.feed], tables[spec.table] = spec, spec.feed
    return specs, errors


def read_all(folder: Path) -> dict[str, FeedSpec]:
    """All specs of a folder by feed name; raises the first error found."""
    specs, errors = read_good(folder)
    if errors:
        raise errors[0]
    return specs


def one(folder: Path, feed: str) -> FeedSpec:
    """The spec of one feed, by its file `<feed>.yaml`; raises CH-FEED-002 with near names."""
    path = folder / f"{feed}.yaml"
    if not path.is_file():
        names = [item.stem for item in folder.glob("*.yaml")]
        near = ", ".join(difflib.get_close_matches(feed, names, 3)) or "none"
        raise Stop("CH-FEED-002", feed=feed, folder=str(folder), near=near)
    return read_spec(path)


def write_schema(path: Path) -> None:
    """Write the JSON Schema that editors complete specs from."""
    schema = FeedSpec.model_json_schema(by_alias=True)
    path.write_text(json.dumps(schema, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
