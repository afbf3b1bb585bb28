"""The specs with which deliveries were loaded, by their sha256: what `diff --loaded` compares with."""

from __future__ import annotations

import json
from pathlib import Path

from cityhub.files import keep_text
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.compile import spec_sha256


def remember(settings: Settings, spec: FeedSpec) -> bool:
    """Keep the spec; False when it is there already, word for word. It holds names of secrets, never their values."""
    path = _path(settings, spec.feed, spec_sha256(spec))
    text = json.dumps(spec.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1) + "\n"
    return keep_text(path, text)


def recall(settings: Settings, feed: str, sha256: str) -> FeedSpec | None:
    """The spec of a load; None when it was loaded before specs were kept, or words of then are unknown now."""
    path = _path(settings, feed, sha256)
    if not path.is_file():
        return None
    return FeedSpec.model_validate_json(path.read_text(encoding="utf-8"))


def _path(settings: Settings, feed: str, sha256: str) -> Path:
    return settings.home / "specs" / feed / f"{sha256}.json"
