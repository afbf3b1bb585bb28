"""`nightly`, `sync`, `backfill`: making the hub do its work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.clock import month_of, yesterday
from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, report, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
DayOption = Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD; default yesterday")]


@guarded
def nightly(
    day: DayOption = None,
    scale: Annotated[str, typer.Option(help="sandbox: demo, county (about 5 M records) or a number")] = "demo",
    seed: Annotated[int, typer.Option(help="sandbox: same seed, same bytes")] = 1,
    records: Annotated[Path | None, typer.Option(help="sandbox: folder with the public records")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="sandbox: NAME=KIND, may be repeated")] = None,
    sandbox: Annotated[
        bool, typer.Option(help="--no-sandbox: the sources that this installation's secrets name")
    ] = True,
    json_output: Json = False,
) -> None:
    """The whole night: eleven platforms, warehouse, quality, indicators, ranking. Exit code 1: with findings."""
    from cli.screens import print_night, print_ranking, print_status
    from flow.city import CityOptions
    from flow.nightly import run_night
    from flow.steps import broken
    from scoring.report import ranking_rows
    from warehouse.status import status

    settings = load_settings()
    service_day = parse_day(day, "nightly") or yesterday()
    if records is not None and not records.is_dir():
        raise Usage("CH-RUN-003", option="--records", detail=f"{records} is not a folder", command="nightly")
    options = CityOptions(seed, scale, records, tuple(fault or ())) if sandbox else None

    def tell(text: str) -> None:
        if not json_output:
            out.print(text, markup=False)

    tell(f"service day {service_day}, warehouse {settings.home}")
    night = run_night(settings, service_day, options, tell)
    found = status(settings, service_day)
    rows = ranking_rows(settings, month_of(service_day))
    specs = broken(settings)
    for problem in specs:
        report(problem)
    if json_output:
        as_json({"night": night, "status": found, "ranking": rows})
    else:
        print_status(found)
        print_ranking(month_of(service_day), rows)
        print_night(night)
    raise typer.Exit(1 if night.failed or found.actions or specs else 0)


@guarded
def sync(feed: str, day: DayOption = None, json_output: Json = False) -> None:
    """Land and load one feed of one day, without Airflow. Safe to run again."""
    from flow.steps import sync as sync_feed

    results = sync_feed(load_settings(), feed, parse_day(day, "sync") or yesterday())
    if json_output:
        as_json(results)
    else:
        columns = (
            "feed",
            "day",
            "landed",
            "loaded",
            "duplicate",
            "quarantined",
            "inserted",
            "updated",
            "unchanged",
            "late",
        )
        rows = [
            (
                r.feed,
                r.service_day,
                r.landed,
                r.loaded,
                r.duplicate,
                r.quarantined,
                r.inserted,
                r.updated,
                r.unchanged,
                r.late,
            )
            for r in results
        ]
        table("deliveries", columns, rows)


@guarded
def backfill(
    feed: str,
    first: Annotated[str, typer.Option("--from", help="first service day")],
    last: Annotated[str, typer.Option("--to", help="last service day, included")],
    scheduler: Annotated[bool, typer.Option(help="--no-scheduler: run the DAGs in this process")] = True,
    json_output: Json = False,
) -> None:
    """Deliver past days of one feed again, through Airflow; quality, indicators and scores of those days follow."""
    from flow.backfill import in_process, through_scheduler

    settings = load_settings()
    start, end = parse_day(first, "backfill"), parse_day(last, "backfill")
    if start is None or end is None or end < start:
        raise Usage("CH-RUN-003", option="--to", detail="it lies before --from", command="backfill")
    if scheduler:
        lines = through_scheduler(settings, feed, start, end)
        as_json(lines) if json_output else out.print("\n".join(lines), markup=False)
        return
    failed = False
    for record in in_process(settings, feed, start, end):
        failed |= record["state"] != "success"
        as_json(record) if json_output else out.print(
            f"{record['day']} {record['dag']}: {record['state']}", markup=False
        )
    raise typer.Exit(1 if failed else 0)
