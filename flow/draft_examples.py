"""A draft is tried with the records that were seen: what the hub makes of them, and two of them as examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from cityhub.draft.compose import Draft
from cityhub.draft.personal import invented
from cityhub.draft.sample import Sample
from cityhub.spec.feed import FeedSpec
from warehouse import trial
from warehouse.personal import edge

EXAMPLES, TRIED = 2, 300
Row = dict[str, Any]


def fill(draft: Draft, sample: Sample, day: date) -> Counter[str]:
    """Put the examples into the draft; gives the reasons for which records of the sample would be refused."""
    spec = draft.spec()
    given = [_given(spec, row, number) for number, row in enumerate(sample.rows[:TRIED])]
    found = mapped(spec, given, day)
    refused = Counter(
        f"{reason.reason} in {reason.field}" for item in found if item.reasons for reason in item.reasons[:1]
    )
    good = [(g, item) for g, item in zip(given, found, strict=True) if item.mapped is not None]
    good.sort(key=lambda pair: -sum(value is not None for value in (pair[1].mapped or {}).values()))
    chosen: dict[str, Row] = {}
    for record, item in good:
        values = item.mapped or {}
        key = str([values.get(name) for name in spec.identity.key])
        if len(chosen) < EXAMPLES and key not in chosen:
            chosen[key] = {"given": record, "expect": _expect(spec, values)}
    draft.data["examples"] = list(chosen.values())
    if refused:
        reasons = ", ".join(f"{count} {reason}" for reason, count in refused.most_common(5))
        draft.remarks.append(f"Of {len(given)} records that were tried {sum(refused.values())} are refused: {reasons}.")
    elif given:
        draft.remarks.append(f"All {len(given)} records that were tried pass.")
    return refused


def mapped(spec: FeedSpec, records: Sequence[Row], day: date) -> tuple[trial.Tried, ...]:
    """What the load's own mapping makes of each record, in their order; nothing is written."""
    with TemporaryDirectory(prefix="cityhub-examples-") as folder:
        with edge.trial(Path(folder), spec, day) as delivery:
            body = json.dumps(list(records), ensure_ascii=False, default=str).encode()
            delivery.add(body, "json", request="examples")
        assert delivery.manifest is not None
        return trial.tried(spec, delivery.manifest, limit=len(records)).rows


def _expect(spec: FeedSpec, values: Mapping[str, Any]) -> Row:
    """What a row is stored with; a hash depends on the installation's key and a missing value is no promise."""
    names = [name for name, field in spec.fields.items() if field.personal == "no"]
    wanted = [*names, *(["unit_code"] if spec.unit.by == "code" else [])]
    return {name: _shown(values[name]) for name in wanted if values.get(name) is not None}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("Asia/Shanghai")).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _given(spec: FeedSpec, row: Mapping[str, Any], number: int) -> Row:
    """The record with what the spec reads of it, and without what is about people."""
    personal = {item.source for item in spec.fields.values() if item.personal != "no"}
    wanted = {item.source for item in spec.fields.values()}
    return {
        name: _safe(value, name, personal, number)
        for name, value in row.items()
        if name in wanted or any(source.startswith(f"{name}.") for source in wanted)
    }


def _safe(value: Any, path: str, personal: set[str], number: int) -> Any:
    if isinstance(value, Mapping):
        return {key: _safe(item, f"{path}.{key}", personal, number) for key, item in value.items()}
    if path in personal and value is not None:
        return invented(str(value), number)
    return value
