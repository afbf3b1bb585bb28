"""Files that somebody drops into a folder, into landing: as received, each one part, never while growing."""

from __future__ import annotations

import fnmatch
import hashlib
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from cityhub import log
from cityhub.errors import Retry, Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import FilesSource, WorkbookSource
from connectors.expand import expand
from connectors.file_body import columns_of_file, unpacked
from connectors.folder import Entry, Folder, LocalFolder
from connectors.retry import DEFAULT, Deadline, Policy, retried
from warehouse.landing import Delivery

SETTLED_S = 2.0
_LOOK_AGAIN_S = 0.25
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
logger = log.get("cityhub.connectors")


def pull(
    spec: FeedSpec,
    day: date,
    delivery: Delivery,
    cursor: str | None = None,
    *,
    policy: Policy = DEFAULT,
    most: int | None = None,
) -> None:
    """Land every file that fits the pattern for the day, by name; `cursor` is not used. A preview takes `most` one.

    Raises `Retry` CH-PULL-051 (nothing yet), 056 (still growing), `Stop` CH-PULL-050 (folder) and what
    `columns_of_file`, `unpacked` and `SftpFolder` raise; then nothing lands.
    """
    del cursor
    source = spec.source
    if not isinstance(source, FilesSource):
        raise TypeError(f"{spec.feed} is no files feed")
    place = {"feed": spec.feed}
    with closing(open_folder(spec, day, policy)) as folder:
        for name in wanted(folder, spec, day, policy)[:most]:
            received = folder.read(name)
            for inner, body in unpacked(name, received, place):
                if not body.strip():
                    raise Stop("CH-PULL-055", file=inner, format=source.format, detail="it is empty", **place)
                columns = columns_of_file(inner, body, source, place)
                request = folder.where(inner)
                if body is not received:
                    request += f" (packed in sha256 {hashlib.sha256(received).hexdigest()})"
                delivery.add(body, source.format, request=request, columns=columns)
    delivery.options |= options_of(source)
    log.event(logger, "pulled", feed=spec.feed, interval=day, files=len(delivery))


def open_folder(spec: FeedSpec, day: date, policy: Policy) -> Folder:
    """The folder of a files or workbook feed; raises what the connection raises."""
    source = spec.source
    if not isinstance(source, (FilesSource, WorkbookSource)):
        raise TypeError(f"{spec.feed} has no folder")
    address = expand(source.address, day, feed=spec.feed)
    place: dict[str, Any] = {"feed": spec.feed}
    if isinstance(source, FilesSource) and address.startswith("sftp://"):
        from connectors.sftp import SftpFolder

        return retried(lambda: SftpFolder(address, source, place), 2, policy, Deadline(policy), **place)
    if "://" in address and not address.startswith("file://"):
        raise Stop("CH-PULL-020", value=address, detail="it is neither a folder nor sftp://host/folder", **place)
    return LocalFolder(Path(address.removeprefix("file://")), place)


def wanted(folder: Folder, spec: FeedSpec, day: date, policy: Policy) -> list[str]:
    """Names of the day's finished files.

    A file that is unfinished by its name is not seen; one that changed a moment ago is looked at twice.
    """
    source = spec.source
    pattern = expand(getattr(source, "pattern", "*"), day, feed=spec.feed)
    everything = folder.entries()
    found = [entry for entry in everything if fnmatch.fnmatchcase(entry.name, pattern) and _finished(entry)]
    if not found:
        names = ", ".join(entry.name for entry in everything[:8]) or "nothing"
        more = f" and {len(everything) - 8} more" if len(everything) > 8 else ""
        raise Retry(
            "CH-PULL-051",
            feed=spec.feed,
            day=day.isoformat(),
            folder=folder.where(),
            pattern=pattern,
            found=names + more,
        )
    if any(abs(time.time() - entry.changed) < SETTLED_S for entry in found):
        policy.sleep(_LOOK_AGAIN_S)
        later = {entry.name: entry for entry in folder.entries()}
        for entry in found:
            if later.get(entry.name) != entry:
                raise Retry("CH-PULL-056", feed=spec.feed, file=entry.name, detail=_change(entry, later))
    return [entry.name for entry in found]


def _finished(entry: Entry) -> bool:
    return not entry.name.lower().endswith(_UNFINISHED) and not entry.name.startswith((".", "~$"))


def _change(before: Entry, later: dict[str, Entry]) -> str:
    after = later.get(before.name)
    if after is None:
        return "it vanished while we looked"
    return f"it went from {before.size} to {after.size} bytes while we looked"


def options_of(source: FilesSource) -> dict[str, str | int]:
    """How the load must read the parts."""
    if source.format == "csv":
        return {
            "encoding": source.encoding,
            "delimiter": source.delimiter,
            "decimal": source.decimal,
            "header_row": source.header_row,
        }
    if source.format == "xlsx":
        sheet: dict[str, str | int] = {"sheet": source.sheet} if source.sheet else {}
        return {**sheet, "header_row": source.header_row}
    if source.format == "xml":
        return {"record": source.record or ""}
    return {"encoding": source.encoding}
