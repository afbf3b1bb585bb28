"""Scores that people fill in by hand: a sheet becomes rows that know their cells; the workbook stays."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date

from cityhub import log
from cityhub.clock import month_of
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import WorkbookSource
from connectors.files import open_folder, wanted
from connectors.retry import DEFAULT, Policy
from connectors.sheet import open_sheet
from connectors.sheet_rows import MONTH, read_rows
from connectors.web_page import refuse_web_page
from warehouse.landing import Delivery

logger = log.get("cityhub.connectors")


def add_sheet(spec: FeedSpec, day: date, delivery: Delivery, name: str, body: bytes, *, number: int, where: str) -> int:
    """Add one workbook's rows and the workbook itself; the number of rows. Raises `Stop` CH-PULL-053, 055, 058, 059."""
    if not isinstance(spec.source, WorkbookSource):
        raise TypeError(f"{spec.feed} is no workbook feed")
    place = {"feed": spec.feed, "file": name}
    refuse_web_page(body, "xlsx", place)
    rows = read_rows(open_sheet(body, spec.source.sheet, place), spec, name)
    month = month_of(day)
    lines = [json.dumps({**row, MONTH: month}, ensure_ascii=False) + "\n" for row in rows.records]
    columns = (*rows.records[0], MONTH) if rows.records else ()
    delivery.add("".join(lines).encode(), "ndjson", request=where, columns=columns)
    suffix = "" if number == 1 else f"_{number}"
    attached = f"{number:06d}.original.xlsx"
    if delivery.keeps_originals:
        delivery.options[f"original{suffix}"] = attached
    delivery.options[f"original_sha256{suffix}"] = delivery.attach(attached, body)
    delivery.findings += rows.findings
    return len(rows.records)


def pull(spec: FeedSpec, day: date, delivery: Delivery, cursor: str | None = None, *, policy: Policy = DEFAULT) -> None:
    """Land the sheet's rows as NDJSON and the workbook as received beside them; `cursor` is not used.

    Each row has two columns more: `_cell` (专项考核!D7) and `_month` (of the service day). Raises `Retry`
    CH-PULL-051 and 056, `Stop` CH-PULL-050, 053, 055, 058, 059.
    """
    del cursor
    source = spec.source
    if not isinstance(source, WorkbookSource):
        raise TypeError(f"{spec.feed} is no workbook feed")
    with closing(open_folder(spec, day, policy)) as folder:
        for number, name in enumerate(wanted(folder, spec, day, policy), 1):
            add_sheet(spec, day, delivery, name, folder.read(name), number=number, where=folder.where(name))
    log.event(logger, "pulled", feed=spec.feed, interval=day, files=len(delivery))
