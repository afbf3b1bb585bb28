"""Recording a sample from the real source: what it answers, with values of people replaced and no secret."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from cityhub import secrets
from cityhub.errors import Stop
from cityhub.files import write_text
from cityhub.secrets import ensure_own
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from conformance import landed, scan
from conformance.names import secret_names
from conformance.protect import Protector
from conformance.records import Record
from conformance.sample import META, ROWS, folder_of
from conformance.vary import key_of
from connectors.pull import pull
from warehouse.landing import Manifest, latest

_SECRET_NAME = re.compile(r"(?i)token|secret|passw|sign|app_?key|session")


@dataclass(frozen=True)
class Recorded:
    """What was written, where, and how many rows."""

    feed: str
    folder: Path
    rows: int
    service_day: date


def record(settings: Settings, spec: FeedSpec, day: date, *, rows: int = 200) -> Recorded:
    """Write `feeds/samples/<feed>/`, replacing a recording that is there. A pushed feed is recorded from what landed
    last. Nothing lands in the installation. Raises what the connector raises, and `Stop` CH-CONFORM-003.
    """
    with tempfile.TemporaryDirectory(prefix="cityhub-record-") as folder:
        if spec.source.kind in PUSHED:
            manifest = _newest(settings, spec)
        else:
            ensure_own(settings.home, "personal_key")
            manifest = pull(replace(settings, home=Path(folder)), spec, day)
        protector = Protector()
        found: dict[str, Record] = {}
        for row in landed.records(spec, manifest, 20 * rows):
            found.setdefault(key_of(spec, row), protector.record(spec, row))
        envelope = _without_tokens(landed.envelope(manifest))
    if not found:
        raise Stop("CH-CONFORM-003", feed=spec.feed, detail=f"the source has no rows for {day}")
    return _write(settings, spec, manifest.day(), list(found.values())[:rows], envelope)


def _newest(settings: Settings, spec: FeedSpec) -> Manifest:
    folder = settings.landing / spec.feed
    for day in sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []:
        manifest = latest(day)
        if manifest is not None:
            return manifest
    raise Stop("CH-CONFORM-003", feed=spec.feed, detail="nothing that its devices sent has landed yet")


def _without_tokens(found: Any) -> Any:
    if isinstance(found, dict):
        return {
            k: "***" if _SECRET_NAME.search(k) and isinstance(v, str) else _without_tokens(v) for k, v in found.items()
        }
    return [_without_tokens(item) for item in found] if isinstance(found, list) else found


def _write(settings: Settings, spec: FeedSpec, day: date, rows: list[Record], envelope: Any) -> Recorded:
    meta = {"feed": spec.feed, "kind": spec.source.kind, "service_day": day.isoformat(), "rows": len(rows)}
    texts = {
        META: json.dumps({**meta, "envelope": envelope}, ensure_ascii=False, indent=1) + "\n",
        ROWS: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
    }
    values = {name: secrets.lookup(name) or "" for name in secret_names(spec)}
    leaks = scan.found_in(values, [(name, text.encode()) for name, text in texts.items()])
    if leaks:
        raise Stop("CH-CONFORM-003", feed=spec.feed, detail=f"the source repeats a secret: {'; '.join(leaks)}")
    folder = folder_of(settings, spec.feed)
    for name, text in reversed(texts.items()):  # the rows first: a recording counts when its recording.json is there
        write_text(folder / name, text)
    return Recorded(spec.feed, folder, len(rows), day)
