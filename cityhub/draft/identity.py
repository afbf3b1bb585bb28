"""What makes a row the same row, and which of its times gives its day: guessed from what is unique in the sample."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from cityhub.draft.fields import Drafted
from cityhub.draft.sample import Sample, flat

_FIRST = (
    "ts", "raised_at", "found_at", "reported_at", "registered_at", "started_at", "task_date", "accepted_at",
    "closed_at",
)  # fmt: skip
# Things that send again and again: what is unique in a few messages of theirs is not what makes a row.
_THINGS = {
    "device_id", "point_id", "station_id", "detector_id", "meter_id", "lamp_id", "cabinet_id", "pole_id", "vehicle_id",
    "plate_no", "terminal_phone", "mn", "mp_code", "road_id", "user_id", "site_id", "grid_id", "asset_id",
}  # fmt: skip
_NEVER = {"updated_at", "stored_at", "uploaded_at", "install_date", "planted", "deadline"}


def identity(sample: Sample, fields: Sequence[Drafted]) -> tuple[dict[str, Any], dict[str, str]]:
    """The part `identity` of the spec and why, by its keys."""
    day = day_from(fields)
    key, why = _key(sample, fields, day)
    made: dict[str, Any] = {"key": key}
    notes = {"key": why}
    if day is not None:
        made["day_from"] = day
        notes["day_from"] = "the time that a row tells about; a row without it is refused"
    else:
        notes["key"] += "; no time of its own, a register"
    names = {item.name for item in fields}
    if day is not None and "updated_at" in names and day not in key:
        made["version"] = "updated_at"
        notes["version"] = "rows come again when they change; the newest counts"
    return made, notes


def day_from(fields: Sequence[Drafted]) -> str | None:
    """The time that gives a row's service day."""
    times = [f.name for f in fields if f.entry.get("type") in {"timestamp", "date"} and f.look.filled]
    named = [name for name in _FIRST if name in times]
    others = [name for name in times if name not in _NEVER]
    return next(iter([*named, *others]), None)


def _key(sample: Sample, fields: Sequence[Drafted], day: str | None) -> tuple[list[str], str]:
    by_source = {item.source: item.name for item in fields}
    if sample.key and all(name in by_source for name in sample.key):
        return [by_source[name] for name in sample.key], "the table's primary key"
    rows = [flat(row) for row in sample.rows]
    full = [f for f in fields if len(f.look.filled) == len(rows) and not f.entry.get("personal")]
    ids = [f for f in full if _is_id(f)]
    series = [f for f in ids if f.name in _THINGS] if day == "ts" else []  # a thing that is measured again and again
    alone = sorted((f for f in ids if f.unique and f not in series), key=lambda f: f.name in _THINGS)
    if alone and len(rows) > 1:
        return [alone[0].name], f"no two of {len(rows)} rows are equal in it"
    times = [f for f in full if f.name == day]
    rest = [f for f in full if f not in ids and f not in times and f.entry.get("type", "text") in {"text", "integer"}]
    groups = [*([i, *times] for i in [*series, *ids] if times), *map(list, combinations(ids, 2))]
    groups += [[*pair, *times] for pair in combinations(ids, 2)] + [[i, *times, r] for i in ids for r in rest]
    groups += [[r, *times] for r in rest if times] + [[r] for r in rest]
    for group in groups:
        if len(rows) > 1 and _unique(rows, group):
            return [f.name for f in group], f"no two of {len(rows)} rows are equal in it"
    some = [*ids[:1], *times] or full[:1] or list(fields[:1])
    return [f.name for f in some], f"unsure: nothing is unique in {len(rows)} rows"


def _is_id(item: Drafted) -> bool:
    return item.name == "mn" or item.name.endswith(("_id", "_no", "_code", "_phone", "plate")) or item.name == "seq"


def _unique(rows: Sequence[dict[str, str | None]], group: Sequence[Drafted]) -> bool:
    found = {tuple(row.get(item.source) for item in group) for row in rows}
    return len(found) == len(rows)
