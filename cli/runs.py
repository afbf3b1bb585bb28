"""`runs`, `metrics`: what each run did, what was different about it, and the numbers for Prometheus."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Any

import typer

from cityhub.settings import Settings
from cityhub.settings import load as load_settings
from cli.default_list import DefaultList
from cli.output import as_json, guarded, out, parse_day, table

app = typer.Typer(cls=DefaultList, help="Run summaries: [list] [FEED], show FEED, night.")
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Day = Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD")]
COLUMNS = ("feed", "day", "run", "state", "seconds", "landed", "loaded", "duplicate", "quarantined", "error")


@app.command("list")
@guarded
def list_runs(
    feed: Annotated[str | None, typer.Argument(help="name of the feed; none: all")] = None,
    day: Day = None,
    limit: Annotated[int, typer.Option(min=1, help="runs at most, newest first")] = 50,
    json_output: Json = False,
) -> None:
    """Runs of one feed, or the last one of each; with --day all of that day."""
    from flow.observe import runs

    settings, wanted = load_settings(), parse_day(day, "runs list")
    found = _found(settings, feed, wanted)[:limit]
    if json_output:
        as_json(found)
        return
    rows = [
        (run["feed"], run["service_day"], run["run_id"], run["state"], run["seconds"],
         *((run.get("counts") or {}).get(name) for name in COLUMNS[5:9]), (run.get("error") or {}).get("code"))
        for run in found
    ]  # fmt: skip
    table(f"runs below {runs.root(settings)}", COLUMNS, rows)


def _found(settings: Settings, feed: str | None, day: date | None) -> list[dict[str, Any]]:
    from flow.observe import runs

    names = [feed] if feed else runs.feeds(settings)
    if day is None and feed is None:
        return [item["run"] for name in names if (item := runs.last(settings, name))]
    found: list[dict[str, Any]] = []
    for name in names:
        for each in [day] if day else runs.days(settings, name):
            found += reversed(runs.of_day(settings, name, each))
    return found


@app.command("show")
@guarded
def show(
    feed: Annotated[str, typer.Argument(help="name of the feed")],
    day: Day = None,
    run: Annotated[str | None, typer.Option(help="run id, or its beginning; default the newest")] = None,
    json_output: Json = False,
) -> None:
    """One run, and what was different beside the run before it."""
    _show(feed, parse_day(day, "runs show"), run, json_output)


@app.command("night")
@guarded
def night(day: Day = None, json_output: Json = False) -> None:
    """The summary of a night, by default the newest."""
    from flow.observe.runs import NIGHT

    _show(NIGHT, parse_day(day, "runs night"), None, json_output)


def _show(feed: str, day: date | None, run_id: str | None, json_output: bool) -> None:
    from cityhub.errors import Usage
    from flow.observe import runs

    settings = load_settings()
    days = [day] if day else runs.days(settings, feed)
    found = [item for each in days for item in reversed(runs.of_day(settings, feed, each))]
    chosen = next((item for item in found if run_id is None or item["run_id"].startswith(run_id)), None)
    if run_id is None and day is None:  # the newest to run, which a backfill of an old day may be
        chosen = (runs.last(settings, feed) or {}).get("run") or chosen
    if chosen is None:
        near = f" on {day}" if day else ""
        raise Usage("CH-OBS-003", feed="a night" if feed == runs.NIGHT else feed, near=near)
    if json_output:
        as_json(chosen)
    else:
        _print(chosen)


def _print(run: dict[str, Any]) -> None:
    long = {
        "diff",
        "delivery",
        "feeds",
        "stages",
        "phases",
        "counts",
        "requests",
        "error",
        "ledger",
        "totals",
        "quarantine",
    }
    for name, value in run.items():
        if name not in long and value not in (None, [], {}):
            out.print(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}", markup=False)
    for name in ("counts", "totals", "requests", "stages", "quarantine"):
        if run.get(name):
            pairs = ", ".join(f"{key} {value}" for key, value in run[name].items() if value is not None)
            out.print(f"{name}: {pairs}", markup=False)
    if run.get("delivery"):
        parts = run["delivery"]
        out.print(
            f"delivery: {parts['load_id']}, {parts['parts']} bodies, sha256 {parts['content_sha256']}", markup=False
        )
    if run.get("error"):
        out.print(f"error: {run['error'].get('code')} {run['error'].get('what')}", markup=False)
    if run.get("diff"):
        against = run["diff"]["against"]
        out.print(f"beside {against['service_day']} {against['run_id']}:", markup=False)
        for name, value in run["diff"].items():
            if name == "rows":
                value = {key: f"{number:+}" for key, number in value.items() if number}  # noqa: PLW2901
            if name != "against" and value not in (None, [], {}, False, 0):
                out.print(f"  {name}: {value}", markup=False)


@guarded
def metrics(
    fresh: Annotated[bool, typer.Option(help="--no-fresh: print the file as it stands")] = True,
    json_output: Json = False,
) -> None:
    """Print the hub's metrics in Prometheus' text format; read anew from the warehouse and written to the file."""
    from flow.observe import metrics as of_hub

    settings = load_settings()
    path = of_hub.measure(settings) if fresh or not of_hub.path(settings).exists() else of_hub.path(settings)
    text = path.read_text(encoding="utf-8")
    if json_output:
        as_json(of_hub.as_rows(text))
    else:
        sys.stdout.write(text)
