"""All that leaves the portable subset in files of definitions, not only the first of it: for people who write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from indicators import derived, lint
from indicators.definitions import FOLDER


def review(file: Path | None = None) -> list[dict[str, Any]]:
    """One entry a problem: file, line of the file, indicator, field, rule, found, why, write. `file`: one platform's
    definitions or one derived table; else all of the hub's."""
    files = [file] if file else [*sorted(FOLDER.glob("*.yaml")), *sorted(derived.FOLDER.glob("*.yaml"))]
    return [problem for path in files for problem in _file(path)]


def _file(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    raw = YAML(typ="safe").load(text)
    found: list[dict[str, Any]] = []
    for entry in raw.get("indicators", [raw]):
        code = str(entry.get("code") or entry.get("table"))
        names = {name for field in ("tables", "registries", "derived", "reads") for name in entry.get(field, [])}
        names |= derived.REFERENCE_TABLES | derived.MADE
        for field in (name for name in ("sql", "hour_sql") if name in entry):
            start = lint.line_of(text, code, field)
            for problem in lint.problems(entry[field], names, entry.get("limits", {})):
                where = {"file": str(path), "line": start + problem.line, "indicator": code, "field": field}
                rule = {"rule": problem.rule.name, "why": problem.rule.why, "write": problem.rule.instead}
                found.append(where | rule | {"found": problem.found})
    return found
