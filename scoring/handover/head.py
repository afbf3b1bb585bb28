"""The manifest of a folder: whose it is, under which version of the contract, for what."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from scoring.handover.contract import MANIFEST, SOURCES, contract, well_formed
from scoring.handover.finding import Finding, shown

TEXTS = ("contract", "version", "producer", "producer_version", "source", "status", "period", "made_at")


def manifest(folder: Path, found: list[Finding]) -> dict[str, Any] | None:
    """The manifest, None where nothing else can be judged: it cannot be read, or is of another contract."""

    def tell(field: str | None, value: Any, problem: str, fix: str) -> None:
        found.append(Finding(MANIFEST, problem, fix, None, field, None if value is None else shown(value)))

    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        tell(None, None, "is not there", "a folder without it was not finished; ask for it again")
        return None
    except ValueError as error:
        tell(None, None, f"cannot be read: {error}", "write JSON in UTF-8")
        return None
    if not isinstance(content, dict):
        tell(None, None, "is no object", "see schema/manifest.schema.json")
        return None
    ours = contract()
    for name in TEXTS:
        if not isinstance(content.get(name), str) or not content[name]:
            tell(name, content.get(name), "is no text", "it is required")
    if content.get("contract") not in {None, ours.contract}:
        tell("contract", content["contract"], f"is not {ours.contract}", "hand over a folder of this contract")
        return None
    version = str(content.get("version", ""))
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts) or int(parts[0]) != ours.major:
        tell("version", version, "is not supported", f"this side reads {ours.major}.x.x")
        return None
    if content.get("source") not in {None, *SOURCES}:
        tell("source", content["source"], "is not known", f"one of {', '.join(SOURCES)}")
    number, source = content.get("publication"), content.get("source")
    if source == "publication" and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        tell("publication", number, "is no publication's number", "give the number that never changes")
    if source == "working" and number is not None:
        tell("publication", number, "stands beside source working", "null: what is not published has no number")
    if isinstance(content.get("period"), str) and not is_period(content["period"]):
        tell("period", content["period"], "is neither a month nor a day", "2026-11 or 2026-11-20")
    if isinstance(content.get("made_at"), str) and not _moment(content["made_at"]):
        tell("made_at", content["made_at"], "is no moment with its offset", "2026-12-01T03:10:00+08:00")
    return content


def _moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def is_period(value: Any) -> bool:
    """Whether a folder can be for it: a month or a day."""
    return isinstance(value, str) and (well_formed("month", value) or well_formed("day", value))
