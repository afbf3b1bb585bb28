"""What is different about a run, beside the last run of its feed: of another day, or of the same."""

from __future__ import annotations

from typing import Any

Summary = dict[str, Any]
COUNTS = ("landed", "loaded", "duplicate", "quarantined", "inserted", "updated", "unchanged", "late", "flagged")


def diff(run: Summary, before: Summary | None) -> Summary | None:
    """The change from one summary to the next; None without an earlier one. Rows are numbers with their sign, and a
    count that one of the two does not know is null, not zero."""
    if before is None:
        return None
    return {
        "against": {"run_id": before["run_id"], "service_day": before["service_day"], "state": before["state"]},
        "state": [before["state"], run["state"]] if before["state"] != run["state"] else None,
        "rows": {name: _minus(_count(run, name), _count(before, name)) for name in COUNTS},
        "bytes": _minus(_requests(run, "bytes"), _requests(before, "bytes")),
        "seconds": _minus(run.get("seconds"), before.get("seconds")),
        "findings_new": _new(run, before, "findings"),
        "findings_gone": _new(before, run, "findings"),
        "reasons_new": sorted(set(run.get("quarantine") or {}) - set(before.get("quarantine") or {})),
        "reasons_gone": sorted(set(before.get("quarantine") or {}) - set(run.get("quarantine") or {})),
        "columns_added": _new(run, before, "columns") if _both(run, before, "columns") else [],
        "columns_gone": _new(before, run, "columns") if _both(run, before, "columns") else [],
        "spec_changed": _both(run, before, "spec_sha256") and run["spec_sha256"] != before["spec_sha256"],
        "content_same": _content(run) is not None and _content(run) == _content(before),
        "error_new": _code(run) if _code(run) != _code(before) else None,
    }


def _count(run: Summary, name: str) -> int | None:
    return (run.get("counts") or {}).get(name)


def _requests(run: Summary, name: str) -> int | None:
    return (run.get("requests") or {}).get(name)


def _minus(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, 3)


def _new(run: Summary, before: Summary, name: str) -> list[str]:
    return sorted(set(run.get(name) or ()) - set(before.get(name) or ()))


def _both(run: Summary, before: Summary, name: str) -> bool:
    return bool(run.get(name)) and bool(before.get(name))


def _content(run: Summary) -> str | None:
    return (run.get("delivery") or {}).get("content_sha256")


def _code(run: Summary) -> str | None:
    return (run.get("error") or {}).get("code")
