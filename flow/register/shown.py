"""A preview for eyes and for programs: raw | mapped | verdict."""

from __future__ import annotations

from typing import Any

from flow.register.examples import plain
from flow.register.preview import Preview


def as_table(found: Preview, joined: str) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Title, columns and rows of the table; `joined` parts the values of one cell."""
    good = sum(row.mapped is not None for row in found.trial.rows)
    title = f"{found.feed} {found.day}: {len(found.trial.rows)} rows, {good} good; nothing was written"
    lines: list[tuple[str, ...]] = []
    for row in found.trial.rows:
        raw = joined.join(f"{name}={'' if value is None else value}" for name, value in row.raw.items())
        mapped = joined.join(f"{name}={plain(value)}" for name, value in _own(row.mapped).items())
        lines.append((row.place or str(row.number), raw, mapped or "–", row.verdict))
    return title, ("row", "raw", "mapped", "verdict"), lines


def _own(mapped: dict[str, Any] | None) -> dict[str, Any]:
    """Without the hub's notes about the load, which a preview is none of."""
    return {name: value for name, value in (mapped or {}).items() if not name.startswith("_")}


def as_value(found: Preview) -> dict[str, Any]:
    """For `--json`."""
    rows = [
        {
            "row": row.number, "place": row.place, "raw": row.raw, "mapped": _own(row.mapped) or None,
            "verdict": "quarantine" if row.reasons else "emptied" if row.flags else "ok", "flags": list(row.flags),
            "reasons": [{"reason": r.reason, "field": r.field, "value": r.value} for r in row.reasons],
        }
        for row in found.trial.rows
    ]  # fmt: skip
    return {
        "feed": found.feed, "day": found.day, "source": found.where, "columns": list(found.trial.columns),
        "rows": rows, "bad_lines": list(found.trial.bad_lines), "findings": list(found.findings),
        "advice": [item.as_dict() for item in found.advice],
    }  # fmt: skip
