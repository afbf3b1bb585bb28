"""Two specs key by key: what was added, removed and changed, and what of it changes data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub.errors import Stop, Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.compile import spec_sha256
from warehouse.spec_archive import recall

ABSENT = object()
# Keys that say something about a delivery without changing any row of it.
WATCHING = ("arrives", "checks", "watch", "retention", "contract")


@dataclass(frozen=True)
class Change:
    """One key; `old` or `new` is None where it was not there. `effect`: data, watching, words, on/off."""

    key: str
    old: str | None
    new: str | None
    effect: str


def changes(old: FeedSpec, new: FeedSpec) -> list[Change]:
    """All differences, defaults left out on both sides alike."""
    before, after = (_flat(spec.model_dump(mode="json", by_alias=True)) for spec in (old, new))
    keys = list(dict.fromkeys([*before, *after]))
    found = [key for key in keys if before.get(key, ABSENT) != after.get(key, ABSENT)]
    same = spec_sha256(old) == spec_sha256(new)
    return [
        Change(key, _text(before.get(key, ABSENT)), _text(after.get(key, ABSENT)), _effect(key, same)) for key in found
    ]


def changes_data(old: FeedSpec, new: FeedSpec) -> bool:
    """Whether a delivery that is loaded again under the new spec may give other rows."""
    return spec_sha256(old) != spec_sha256(new)


def _effect(key: str, same: bool) -> str:
    """By key, since the digest is of the whole; where the digests agree nothing changes data."""
    head, _, rest = key.partition(".")
    if head in WATCHING:
        return "watching"
    words = head in {"title", "description", "owner", "examples"} or rest.rsplit(".", 1)[-1] in {"title", "description"}
    switch = head == "active"
    return "words" if words or (same and not switch) else "on/off" if switch else "data"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= _flat(item, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, list) and value and isinstance(value[0], dict):
        found = {}
        for number, item in enumerate(value):
            found |= _flat(item, f"{path}[{number}]")
        return found
    return {path: value}


def _text(value: Any) -> str | None:
    if value is ABSENT:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "null" if value is None else str(value)


def loaded(settings: Settings, feed: str) -> FeedSpec:
    """The spec with which the newest delivery was loaded. Raises `Usage` CH-REG-054 when there is none."""
    return _recalled(settings, feed)


def loaded_or_none(settings: Settings, feed: str) -> FeedSpec | None:
    """The same, None when nothing was loaded."""
    try:
        return _recalled(settings, feed)
    except Usage:
        return None


def _recalled(settings: Settings, feed: str) -> FeedSpec:
    found = _newest_sha256(settings, feed)
    spec = recall(settings, feed, found) if found else None
    if spec is None:
        raise Usage(
            "CH-REG-054", feed=feed, detail="nothing of it was loaded" if not found else "its spec was not kept"
        )
    return spec


def _newest_sha256(settings: Settings, feed: str) -> str | None:
    from warehouse import lake

    try:
        con = lake.connect(settings, read_only=True)
    except Stop:  # no warehouse yet
        return None
    try:
        found = con.execute(
            "SELECT spec_sha256 FROM load_log WHERE feed = $feed ORDER BY service_day DESC, load_id DESC, finished_at"
            " DESC LIMIT 1",
            {"feed": feed},
        ).fetchone()
    finally:
        con.close()
    return str(found[0]) if found else None


def committed(path: Path) -> FeedSpec:
    """The spec as it was last committed to git. Raises `Usage` CH-REG-054 when git knows nothing of it."""
    from tempfile import TemporaryDirectory

    from cityhub.spec.read import parse_spec

    done = subprocess.run(
        ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"], capture_output=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Usage("CH-REG-054", feed=path.stem, detail=said[-1] if said else "git does not know the file")
    with TemporaryDirectory(prefix="cityhub-diff-") as place:
        old = Path(place) / path.name
        old.write_bytes(done.stdout)
        return parse_spec(old)


def lines(found: list[Change]) -> Iterator[tuple[str, str, str, str]]:
    """As rows of a table."""
    for item in found:
        yield (
            item.key,
            item.old if item.old is not None else "–",
            item.new if item.new is not None else "–",
            item.effect,
        )
