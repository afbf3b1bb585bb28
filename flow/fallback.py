"""What a person does where a platform is silent: give a file in its place, or say that a day had no rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.read import one
from flow.steps import opened
from warehouse import lake, ledger, manual
from warehouse.load import LoadResult, load


def upload(settings: Settings, feed: str, day: date, file: Path, by: str) -> LoadResult:
    """Land and load a file as the feed's delivery of the day, marked as brought by hand.

    Raises `Stop` CH-FALL-001, 002, 003, 005, CH-PULL-052 … 059 and what the load raises; then nothing is written.
    """
    from connectors.upload import land_upload

    if not by.strip():
        raise Stop("CH-FALL-005", feed=feed, option="--by")
    spec = one(settings.feeds, feed)
    opened(settings, day)
    con = lake.connect(settings)
    try:
        manual.may_upload(con, spec, day)
        return load(settings, spec, land_upload(settings, spec, day, file, by.strip()), con=con)
    finally:
        con.close()


def confirm_empty(settings: Settings, feed: str, day: date, *, by: str, why: str) -> bool:
    """Note in the ledger that the day had no rows; whether that is new. Raises `Stop` CH-FALL-004 to 006."""
    spec = one(settings.feeds, feed)
    opened(settings, day)
    con = lake.connect(settings)
    try:
        manual.may_confirm_empty(con, spec, day, by=by, why=why)
        return ledger.confirm_empty(con, settings, spec, day, by=by.strip(), why=why.strip())
    finally:
        con.close()
