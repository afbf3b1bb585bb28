"""Messages that wait for delivery, as files below `<home>/alerts`: nothing is lost by a restart, nothing told twice.

`outbox/<channel>/<id>.json`   one alert for one channel; its id is made from what it tells, so it is written once
`batches/<channel>/<id>.json`  what goes out as one message; fixed before the first try, so that each try says the same
`sent/<month>.ndjson`          what was delivered
`dead/<channel>/<id>.json`     what was not taken for `KEEP_DAYS` days
A kill after the delivery and before its line in `sent` delivers once more: at least once, under the same id.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cityhub import clock
from cityhub.files import read_json, write_json
from cityhub.settings import Settings

KEEP_DAYS = 3


@dataclass(frozen=True)
class Target:
    """A channel, and for mail the addresses of a department; none: the channel's own."""

    channel: str
    to: tuple[str, ...] = ()


def root(settings: Settings) -> Path:
    """The folder of all alert files."""
    return settings.home / "alerts"


def digest(*parts: str) -> str:
    """An id made from what it stands for."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def put(settings: Settings, target: Target, item: str, event: str, content: dict[str, Any]) -> bool:
    """Write an alert down for delivery; whether it is new. One that waits or was sent is not written again."""
    name = digest(target.channel, *target.to, item)
    path = root(settings) / "outbox" / target.channel / f"{name}.json"
    if path.exists() or name in _sent(settings) or name in _batched(settings, target.channel):
        return False
    write_json(
        path,
        {"id": name, "to": list(target.to), "event": event, "content": content, "created_at": clock.now().isoformat()},
        sync=True,
    )
    return True


def batches(settings: Settings, channel: str, size: int) -> list[Path]:
    """What is to go out by a channel, oldest first, `size` alerts a message at most: batches that are left over, then
    new ones of the alerts that wait, those for the same people together."""
    folder, waiting = root(settings) / "batches" / channel, root(settings) / "outbox" / channel
    sent, batched = _sent(settings), _batched(settings, channel)
    for path in list(folder.glob("*.json")) if folder.is_dir() else []:
        if path.stem in sent:
            path.unlink(missing_ok=True)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for path in sorted(waiting.glob("*.json")) if waiting.is_dir() else []:
        item = read_json(path)
        if item is None or item["id"] in sent or item["id"] in batched:
            path.unlink(missing_ok=True)
        else:
            groups.setdefault(tuple(item["to"]), []).append(item)
    for to, items in groups.items():
        items.sort(key=lambda item: (item["created_at"], item["id"]))
        for start in range(0, len(items), size):
            _freeze(folder, waiting, to, items[start : start + size])
    found = [(read_json(path) or {}, path) for path in folder.glob("*.json")] if folder.is_dir() else []
    return [path for _, path in sorted(found, key=lambda pair: (pair[0].get("created_at", ""), pair[1].name))]


def _freeze(folder: Path, waiting: Path, to: tuple[str, ...], items: list[dict[str, Any]]) -> None:
    name = digest(*(item["id"] for item in items))
    batch = {"id": name, "to": list(to), "items": items, "created_at": items[0]["created_at"], "attempts": 0,
             "next_at": None, "error": None}  # fmt: skip
    write_json(folder / f"{name}.json", batch, sync=True)
    for item in items:
        (waiting / f"{item['id']}.json").unlink(missing_ok=True)


def delivered(settings: Settings, channel: str, path: Path, batch: dict[str, Any]) -> None:
    """Note a delivery, then forget the batch."""
    file = root(settings) / "sent" / f"{clock.now():%Y-%m}.ndjson"
    file.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": clock.now().isoformat(), "channel": channel, "batch": batch["id"], "to": batch["to"],
            "items": [item["id"] for item in batch["items"]],
            "told": [[item["event"], item["content"].get("key")] for item in batch["items"]]}  # fmt: skip
    with file.open("a", encoding="utf-8") as handle:
        handle.write("\n" if handle.tell() else "")  # a line that a kill cut off ends here
        handle.write(json.dumps(line, ensure_ascii=False) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    path.unlink(missing_ok=True)


def postponed(settings: Settings, channel: str, path: Path, batch: dict[str, Any], error: str) -> None:
    """Note a try in vain: the next one comes after 30 s, 1, 2, 4 … minutes, an hour at most."""
    attempts = int(batch["attempts"]) + 1
    wait = min(3600, 30 * 2 ** min(attempts - 1, 10))
    content = batch | {
        "attempts": attempts,
        "next_at": (clock.now() + timedelta(seconds=wait)).isoformat(),
        "error": error,
    }
    if clock.now() > _moment(batch["created_at"]) + timedelta(days=KEEP_DAYS):
        write_json(root(settings) / "dead" / channel / path.name, content, sync=True)
        path.unlink(missing_ok=True)
    else:
        write_json(path, content, sync=True)


def due(batch: dict[str, Any]) -> bool:
    """Whether the next try may be made now."""
    return batch["next_at"] is None or clock.now() >= _moment(batch["next_at"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def waiting(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    """`(place, content)` of everything that is not delivered: outbox, batches, dead."""
    for place in ("outbox", "batches", "dead"):
        for path in sorted((root(settings) / place).glob("*/*.json")):
            content = read_json(path)
            if content is not None:
                yield place, content | {"channel": path.parent.name}


def _batched(settings: Settings, channel: str) -> set[str]:
    folder = root(settings) / "batches" / channel
    every = [read_json(path) for path in folder.glob("*.json")] if folder.is_dir() else []
    return {item["id"] for batch in every if batch for item in batch["items"]}


def _sent(settings: Settings) -> set[str]:
    """Ids of alerts and batches that were delivered in this month and the one before."""
    found: set[str] = set()
    folder = root(settings) / "sent"
    for path in sorted(folder.glob("*.ndjson"))[-2:] if folder.is_dir() else []:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                content = json.loads(line)
            except ValueError:  # the rest of a line that a kill cut off: its batch is still there
                continue
            found.update([content["batch"], *content["items"]])
    return found
