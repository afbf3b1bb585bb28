"""From the spool into landing: closed segments become the parts of a delivery, each once.

A delivery takes every segment that is closed when it is made, whatever day its messages speak of: the
delivery's service day only says which run took them (a nightly run for yesterday also brings what came
after midnight), and the load puts each row to its own day by its timestamp. So a message lands exactly
once, and a late one needs no search.

Killed in the middle: before it lands anything, `collect` writes down which segments go into which
delivery. If that delivery is there, the segments are removed; if not, nothing landed and they are taken
again.

Frames and payloads that cannot be read become records with `_problem`; they land as the last part of the delivery,
and the load puts them to quarantine. A part of their own, so that the bulk read of all others knows nothing of them.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from cityhub import files, log
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors.envelope import records, refused
from sensors.finish import finishing
from sensors.payload import Memory
from sensors.segment import ask, closed, living, recover
from warehouse import lake
from warehouse.landing import MANIFEST, Delivery, Manifest, discard_partial, latest
from warehouse.personal import edge
from warehouse.readers.json_parts import PROBLEM_KEY

logger = log.get("cityhub.sensors")
CLAIM, MEMORY = "claim.json", "memory.json"
ROTATE_S = 10.0
PART_BYTES = 32 << 20


def collect(settings: Settings, spec: FeedSpec, day: date) -> Manifest | None:
    """Land what the gateway has spooled for a feed, as a delivery of `day`.

    With nothing new, the newest delivery of that day again, so that a second run changes nothing; None
    when there is none either. Open segments are closed first (`rotate`). Raises `Retry` CH-LAKE-004 when
    the feed is busy.
    """
    folder = settings.spool / spec.feed
    with lake.lock(settings, f"feed-{spec.feed}"):
        answered = rotate(settings, spec.feed)
        _settle(settings, spec.feed)
        discard_partial(settings.landing, spec.feed, day)
        segments = closed(folder)
        if not segments:
            return latest(settings.landing / spec.feed / day.isoformat())
        delivery = edge.delivery(settings, spec, day)
        _claim(folder, delivery, segments)
        with delivery:
            bad, memory = _Refused(), Memory(folder / MEMORY)
            finish = finishing(spec)
            for segment in segments:
                for part in _landed(segment, bad, memory, finish):
                    delivery.add(part, "ndjson", request=f"spool:{segment.stem}")
            if bad.records:
                delivery.add(b"".join(bad.records), "ndjson", request="spool:refused", columns=(PROBLEM_KEY,))
            if not answered:
                delivery.findings.append(f"the gateway did not close its segment within {ROTATE_S:g} s")
            memory.save()  # before the delivery counts: read again, the same segments leave the same
        manifest = delivery.manifest
        assert manifest is not None  # set by leaving the delivery
        for place in (Path(manifest.folder), *list(Path(manifest.folder).parents)[:3]):
            files.sync(place)
        _release(folder, segments)
        log.event(logger, "collected", feed=spec.feed, interval=day, run=manifest.load_id, segments=len(segments))
        return manifest


def waits(settings: Settings, feed: str) -> bool:
    """Whether the spool of a feed holds anything that no delivery has taken."""
    folder = settings.spool / feed
    return bool(closed(folder) or living(folder) or (folder / CLAIM).is_file())


def rotate(settings: Settings, feed: str, *, timeout_s: float = ROTATE_S) -> bool:
    """Have the feed's open segments closed: by the gateway that writes them, or here when it is gone.

    False when a living gateway did not answer in time; what is closed already can be taken all the same.
    """
    folder = settings.spool / feed
    if not folder.is_dir():
        return True
    recover(folder)
    asked = living(folder)
    for path in asked:
        ask(path)
    deadline, pause = time.monotonic() + timeout_s, threading.Event()
    while any(path.exists() for path in asked):
        if time.monotonic() > deadline:
            log.event(logger, "rotate_unanswered", feed=feed, seconds=timeout_s)
            return False
        pause.wait(0.02)
        recover(folder)  # the gateway may die before it answers
    recover(folder)  # requests that came just after the segment was closed
    return True


class _Refused:
    """The refused frames and payloads of a delivery, as lines."""

    def __init__(self) -> None:
        self.records: list[bytes] = []


def _landed(segment: Path, bad: _Refused, memory: Memory, finish: Callable[[bytes], bytes] | None) -> Iterator[bytes]:
    """The good records of a segment as NDJSON, in pieces that fit the memory."""
    good: list[bytes] = []
    size = 0
    with segment.open("rb") as lines:
        for line in lines:
            for record in records(line, memory):
                if refused(line, record):
                    bad.records.append(record + b"\n")
                    continue
                good.append(finish(record) if finish else record)
                size += len(record)
            if size >= PART_BYTES:
                yield b"\n".join(good) + b"\n"
                good, size = [], 0
    if good:
        yield b"\n".join(good) + b"\n"


def _claim(folder: Path, delivery: Delivery, segments: list[Path]) -> None:
    content = {
        "day": delivery.day.isoformat(),
        "load_id": delivery.load_id,
        "segments": [path.name for path in segments],
    }
    temporary = folder / (CLAIM + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / CLAIM)
    files.sync(folder)


def _release(folder: Path, segments: list[Path]) -> None:
    for path in segments:
        path.unlink(missing_ok=True)
    files.sync(folder)
    (folder / CLAIM).unlink()


def _settle(settings: Settings, feed: str) -> None:
    """Finish what a killed `collect` began: forward when its delivery is there, else back."""
    folder = settings.spool / feed
    claim = folder / CLAIM
    if not claim.is_file():
        return
    content = json.loads(claim.read_text(encoding="utf-8"))
    day = date.fromisoformat(content["day"])
    landed = (settings.landing / feed / content["day"] / content["load_id"] / MANIFEST).is_file()
    if landed:
        _release(folder, [folder / name for name in content["segments"]])
    else:
        discard_partial(settings.landing, feed, day)
        claim.unlink()
    log.event(logger, "claim_settled", feed=feed, interval=day, run=content["load_id"], landed=landed)
