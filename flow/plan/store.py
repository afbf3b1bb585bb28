"""Plans as files: `<home>/plans/<id>.json`, and beside it a folder with the bytes that the plan brings."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cityhub.errors import Stop, Usage
from cityhub.files import write_json
from cityhub.settings import Settings
from flow.plan.change import Change, from_json, to_json
from flow.plan.judge import empty, sha256


@dataclass(frozen=True)
class Plan:
    """A change with its differences. `snapshot`: the state of the lake that it was tried on; `inputs`: sha256 of the
    installation's specs, schemes and indicators; `problems`: what could not be tried, by day."""

    id: str
    change: Change
    made_at: datetime
    snapshot: int
    inputs: Mapping[str, str]
    changes: Mapping[str, list[Any]]
    problems: tuple[str, ...] = ()
    applied: Mapping[str, Any] | None = field(default=None)

    @property
    def sha256(self) -> str:
        """Identity of the differences."""
        return sha256(self.changes)

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return empty(self.changes)


def folder(settings: Settings, name: str = "") -> Path:
    """The folder of all plans, or that of one."""
    return settings.home / "plans" / name if name else settings.home / "plans"


def save(settings: Settings, plan: Plan) -> Path:
    """Write a plan, whole or not at all."""
    path = folder(settings) / f"{plan.id}.json"
    write_json(path, as_json(plan))
    return path


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain values."""
    return {
        "id": plan.id,
        "change": to_json(plan.change),
        "made_at": plan.made_at.isoformat(),
        "lake_snapshot": plan.snapshot,
        "inputs": dict(plan.inputs),
        "problems": list(plan.problems),
        "empty": plan.empty,
        "sha256": plan.sha256,
        "changes": dict(plan.changes),
        "applied": plan.applied,
    }


def read(settings: Settings, name: str) -> Plan:
    """A plan by its id; raises `Usage` CH-PLAN-001 with near ids, `Stop` CH-PLAN-003 for a file that was altered."""
    path = folder(settings) / f"{name}.json"
    if not path.is_file():
        names = [item.stem for item in folder(settings).glob("*.json")]
        raise Usage("CH-PLAN-001", plan=name, near=", ".join(difflib.get_close_matches(name, names, 3, 0.4)) or "none")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        plan = Plan(
            id=content["id"],
            change=from_json(content["change"]),
            made_at=datetime.fromisoformat(content["made_at"]),
            snapshot=int(content["lake_snapshot"]),
            inputs=content["inputs"],
            changes=content["changes"],
            problems=tuple(content["problems"]),
            applied=content["applied"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Stop("CH-PLAN-003", plan=name, file=str(path), detail=type(error).__name__) from None
    if (plan.id, plan.sha256) != (name, content["sha256"]):
        raise Stop("CH-PLAN-003", plan=name, file=str(path), detail="its digest is another")
    return plan


def every(settings: Settings) -> list[Plan]:
    """All plans, newest first; a damaged file raises `Stop` CH-PLAN-003."""
    found = [read(settings, path.stem) for path in folder(settings).glob("*.json")]
    return sorted(found, key=lambda plan: (plan.made_at, plan.id), reverse=True)
