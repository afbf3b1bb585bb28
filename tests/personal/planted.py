"""Personal values that a test plants, and the search for them through everything that a hub has written."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import zstandard

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.landing import Manifest
from warehouse.personal import edge

PHONE, NAME, ID_CARD, PLATE = "13812345678", "欧阳娜娜子", "41022119850713299X", "豫B·8K9X7"
BAD_PHONE = "1381234567890123"  # refused by the pattern, and personal all the same
PLANTED = (PHONE, NAME, ID_CARD, PLATE, BAD_PHONE)
KEY = "only the hub knows this key"

FIELDS: dict[str, Any] = {
    "id": {"from": "id", "required": True},
    "phone": {"from": "tel", "personal": "hash", "pattern": "1[0-9]{10}"},
    "caller": {"from": "caller.name", "personal": "mask"},
    "card": {"from": "sfz", "personal": "drop"},
    "plate": {"from": "plate", "personal": "hash"},
    "kpa": {"from": "kpa", "type": "double"},
}
FLAT = FIELDS | {"caller": {"from": "xm", "personal": "mask"}}


def spec(source: dict[str, Any], fields: dict[str, Any] | None = None, **more: Any) -> FeedSpec:
    """A feed with personal fields of all three kinds."""
    body: dict[str, Any] = {
        "feed": "case.call",
        "title": {"zh": "来电", "en": "calls"},
        "platform": "case",
        "table": "case_call",
        "description": "Calls of a test.",
        "owner": {"department": "城管局", "person": "值班员", "phone": "0371-0000"},
        "source": source,
        "identity": {"key": ["id"]},
        "arrives": {"min_rows": 0},
        "fields": FLAT if fields is None else fields,
    }
    return FeedSpec.model_validate(body | more)


def land(settings: Settings, feed: FeedSpec, body: bytes, form: Any, *, day: Any, **how: Any) -> Manifest:
    """One body through landing's edge."""
    with edge.delivery(settings, feed, day) as delivery:
        delivery.options |= how.pop("options", {})
        delivery.add(body, form, request="test", **how)
    assert delivery.manifest is not None
    return delivery.manifest


def found_in(folder: Path, texts: tuple[str, ...] = PLANTED) -> list[str]:
    """`file: text` for each planted text that any file below a folder holds, packed or not, in any usual encoding."""
    needles = {
        text.encode(encoding) for text in texts for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
    } | {text.encode("unicode_escape") for text in texts}
    needles |= {needle.upper() for needle in needles} | {needle.lower() for needle in needles}
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        for name, content in _contents(path):
            for text in texts:
                own = {n for n in needles if n.lower() in {text.encode(e).lower() for e in _ENCODINGS}}
                if any(needle in content for needle in own):
                    hits.append(f"{name}: {text}")
        hits += [f"{path} (its name): {text}" for text in texts if text in str(path)]
    return hits


_ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "unicode_escape")


def _contents(path: Path) -> list[tuple[str, bytes]]:
    raw = path.read_bytes()
    found = [(str(path), raw)]
    if path.suffix == ".zst":
        found.append((f"{path} unpacked", zstandard.ZstdDecompressor().decompressobj().decompress(raw)))
    if raw[:2] == b"\x1f\x8b":
        found.append((f"{path} unpacked", gzip.decompress(raw)))
    if raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            found += [(f"{path}!{name}", archive.read(name)) for name in archive.namelist()]
    if raw[:4] == b"PAR1":
        rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
        found.append((f"{path} rows", repr(rows).encode()))
    return found
