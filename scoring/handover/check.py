"""The conformance check of a folder, for both sides: everything that breaks the contract, at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cityhub.errors import Stop
from scoring.handover import rules
from scoring.handover.contract import contract
from scoring.handover.finding import Finding, shown
from scoring.handover.folder import files
from scoring.handover.head import is_period, manifest
from scoring.handover.read import Content


def check(folder: Path) -> list[Finding]:
    """What in the folder breaks the contract; empty when it conforms. Raises `Stop` CH-HAND-005 without a folder."""
    if not folder.is_dir():
        raise Stop("CH-HAND-005", folder=str(folder))
    found: list[Finding] = []
    stated = manifest(folder, found)
    if stated is None:
        return found
    contents = files(folder, stated, found)
    first: dict[str, Content] = {}
    for (dataset, _), content in contents.items():
        first.setdefault(dataset, content)
    definitions, units = (_by(first.get(name), key) for name, key in (("indicator", "code"), ("unit", "unit_code")))
    whole = str(stated["period"]) if is_period(stated.get("period")) else None
    for (dataset, _), content in contents.items():
        wanted = contract().datasets[dataset]
        rules.columns(content, wanted)
        rules.keys(content, wanted)
        if dataset == "indicator":
            rules.indicators(content)
        elif dataset == "unit":
            rules.units(content)
        else:
            rules.values(content, definitions, units, whole)
        found += content.findings
        if content is not first[dataset] and not content.findings and not first[dataset].findings:
            _alike(first[dataset], content, wanted.key, found)
    return found


def _by(content: Content | None, key: str) -> Mapping[str, dict[str, Any]] | None:
    """Rows by their key; None where the dataset itself is not there, which is a finding of its own."""
    if content is None or key in content.broken:
        return None
    return {row[key]: row for row in content.rows if row.get(key) is not None}


def _alike(one: Content, other: Content, key: tuple[str, ...], found: list[Finding]) -> None:
    """Two formats of a dataset hold the same rows."""
    fix = "write both from the same rows"
    theirs = {tuple(row[name] for name in key): (number, row) for number, row in enumerate(other.rows, 1)}
    for number, row in enumerate(one.rows, 1):
        place = tuple(row[name] for name in key)
        at, twin = theirs.pop(place, (0, {}))
        if not twin:
            found.append(Finding(one.name, f"is not in {other.name}", fix, number, None, _said(place)))
        for name, value in twin.items():
            if row[name] != value:
                told = f"is {shown(row[name])} in {one.name}"
                found.append(Finding(other.name, told, fix, at, name, shown(value)))
    for place, (number, _) in theirs.items():
        found.append(Finding(other.name, f"is not in {one.name}", fix, number, None, _said(place)))


def _said(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)
