"""How long the traces of consumers stay: the service's access log, a file a month, and receipts, a file each.

`extracts.yaml` says for how many days; a night and `cityhub retention traces` let go what is older. A month of the
access log goes as a whole, once its last day is that old. Nothing of today is ever removed, whatever the file says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cityhub import clock, log
from cityhub.files import read_json
from cityhub.settings import Settings
from extracts import config

ACCESS_LOG, RECEIPTS = "audit", "receipts"  # folders of the home, which the service writes
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\.ndjson(\.(gz|xz|zst|bz2))?")  # one that somebody packed is a log as well
logger = log.get("cityhub.extracts")


@dataclass(frozen=True)
class Removed:
    """What was let go: files of the access log by name, how many receipts, and the days before which; None where all
    stays."""

    access_log: tuple[str, ...]
    access_log_before: date | None
    receipts: int
    receipts_before: date | None
    bytes: int


def remove(settings: Settings, *, dry: bool = False) -> Removed:
    """Remove what is older than `extracts.yaml` says; `dry`: only say it. A kill leaves the rest for the next call.

    Raises `Usage` CH-EXT-020.
    """
    chosen, today = config.load(), clock.now().date()
    log_before, receipts_before = _before(today, chosen.access_log_days), _before(today, chosen.receipt_days)
    months = list(_months(settings.home / ACCESS_LOG, log_before)) if log_before else []
    receipts = list(_receipts(settings.home / RECEIPTS, receipts_before)) if receipts_before else []
    size = sum(path.stat().st_size for path in (*months, *receipts))
    if not dry:
        for path in (*months, *receipts):
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in receipts}:
            if not any(folder.iterdir()):
                folder.rmdir()
    done = Removed(tuple(path.name for path in months), log_before, len(receipts), receipts_before, size)
    if not dry and (months or receipts):
        log.event(logger, "traces_removed", access_log=" ".join(done.access_log), receipts=done.receipts, bytes=size)
    return done


def _before(today: date, days: int | None) -> date | None:
    return None if days is None else today - timedelta(days=days)


def _months(folder: Path, before: date) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        found = _MONTH.fullmatch(path.name)
        if found is None or not path.is_file():
            continue
        year, month = int(found[1]), int(found[2])
        following = date(year + month // 12, month % 12 + 1, 1)
        if following <= before:
            yield path


def _receipts(folder: Path, before: date) -> Iterator[Path]:
    for path in sorted(folder.glob("*/*.json")):
        told = read_json(path) or {}
        if str(told.get("at") or "9999")[:10] < before.isoformat():  # what cannot be read stays for a person
            yield path
