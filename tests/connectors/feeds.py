"""Specs, settings and looks into landing that all connector tests share."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import zstandard

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from connectors.retry import Policy
from warehouse.landing import Manifest, Part

DAY = date(2026, 11, 20)
FEED = "muck.position"


def spec(source: dict[str, Any], fields: dict[str, Any] | None = None, key: list[str] | None = None) -> FeedSpec:
    """A feed with the given source; two fields unless said otherwise."""
    return FeedSpec.model_validate(
        {
            "feed": FEED,
            "title": {"zh": "渣土车位置", "en": "Positions"},
            "platform": "muck",
            "table": "mk_position",
            "description": "Positions for tests.",
            "owner": {"department": "交通运输局", "person": "值班员", "phone": "0371-0000000"},
            "source": source,
            "identity": {"key": key or ["id"]},
            "fields": fields or {"id": {"from": "id", "required": True}, "value": {"from": "v"}},
        }
    )


def settings(home: Path) -> Settings:
    """An installation of its own below `home`."""
    return Settings(
        home=home,
        feeds=home / "feeds",
        catalog=str(home / "lake" / "catalog.sqlite"),
        data=str(home / "lake" / "data"),
    )


def quick(**changes: Any) -> Policy:
    """Retries that do not wait."""
    return Policy(**{"base_s": 0.001, "cap_s": 0.002, "deadline_s": 30.0, **changes})


def records(manifest: Manifest, part: Part) -> bytes:
    """The stored records of a part."""
    body = manifest.path(part).read_bytes()
    return zstandard.ZstdDecompressor().decompress(body) if part.file.endswith(".zst") else body


def body(manifest: Manifest, part: Part) -> bytes:
    """The body as received: head, records and tail; checked against its sha256."""
    whole = (
        part.head.encode("utf-8", "surrogateescape")
        + records(manifest, part)
        + part.tail.encode("utf-8", "surrogateescape")
    )
    assert hashlib.sha256(whole).hexdigest() == part.sha256
    assert len(whole) == part.bytes
    return whole


def rows(manifest: Manifest) -> list[Any]:
    """All records of a JSON delivery in page order."""
    return [row for part in manifest.parts for row in json.loads(records(manifest, part))]


def everything_written(home: Path) -> bytes:
    """Every byte below an installation, compressed parts also unpacked: what must not be there is not."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file():
            found += [str(path).encode(), path.read_bytes()]
            if path.suffix == ".zst":
                found.append(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
    return b"\n".join(found)
