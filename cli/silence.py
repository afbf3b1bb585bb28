"""`watch`, `upload`, `confirm-empty`: what is noticed about silence, and what a person can do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.clock import yesterday
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Day = Annotated[str, typer.Option("--day", help="service day, YYYY-MM-DD")]
By = Annotated[str, typer.Option("--by", help="name of who answers for it; stands in the ledger")]


@guarded
def watch(
    feed: Annotated[str | None, typer.Argument(help="only this feed")] = None,
    day: Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD; default yesterday")] = None,
    json_output: Json = False,
) -> None:
    """Look for silence and what is like it: late, too few, frozen, wrong clocks. Exit code 1 with critical findings."""
    from cityhub.spec.read import one
    from flow.steps import active
    from warehouse.watch.run import watch_day

    settings = load_settings()
    specs = {feed: one(settings.feeds, feed)} if feed else active(settings)
    watched = watch_day(settings, specs, parse_day(day, "watch") or yesterday())
    if json_output:
        as_json(watched)
    else:
        rows = [(w.feed, f.severity, f.kind, f.subject, f.detail) for w in watched for f in w.findings]
        order = ("critical", "warning", "info")
        rows.sort(key=lambda row: (order.index(row[1]), row[0]))
        table(f"{len(rows)} findings in {len(watched)} feeds", ("feed", "severity", "kind", "about", "what"), rows)
    raise typer.Exit(1 if any(f.severity == "critical" for w in watched for f in w.findings) else 0)


@guarded
def upload(
    feed: str,
    file: Annotated[Path, typer.Argument(help="a .csv or .xlsx with the spec's columns in its first row")],
    day: Day,
    by: By,
    json_output: Json = False,
) -> None:
    """Give a file in place of a missing delivery; marked as such until the platform's own comes."""
    from flow.fallback import upload as run

    service_day = parse_day(day, "upload")
    assert service_day is not None
    result = run(load_settings(), feed, service_day, file, by)
    if json_output:
        as_json(result)
    else:
        columns = ("feed", "day", "landed", "loaded", "duplicate", "quarantined")
        row = (
            result.feed, result.service_day, result.landed, result.loaded, result.duplicate, result.quarantined
        )  # fmt: skip
        table("uploaded by hand", columns, [row])


@guarded
def confirm_empty(
    feed: str,
    day: Day,
    by: By,
    why: Annotated[str, typer.Option("--why", help="why there were none; stands in the ledger")],
    json_output: Json = False,
) -> None:
    """Say that a day really had no rows. Refused when any is there."""
    from flow.fallback import confirm_empty as run

    service_day = parse_day(day, "confirm-empty")
    assert service_day is not None
    new = run(load_settings(), feed, service_day, by=by, why=why)
    if json_output:
        as_json({"feed": feed, "day": service_day, "state": "empty_confirmed", "by": by, "why": why, "new": new})
    else:
        out.print(f"{feed} {day}: {'confirmed empty' if new else 'was confirmed empty before'}", markup=False)
