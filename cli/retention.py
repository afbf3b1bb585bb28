"""`cityhub retention`: what the specs let go, letting it go, and the proof; traces of the service's consumers."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from cityhub.errors import Stop
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table

app = typer.Typer(help="Delete what the specs no longer keep, and prove it.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Feed = Annotated[str | None, typer.Option(help="only this feed")]


@app.command("plan")
@guarded
def plan(feed: Feed = None, json_output: Json = False) -> None:
    """What would be deleted now; nothing is written. Exit code 1 when something older is held back."""
    from cityhub.spec.read import one, read_good
    from warehouse import lake
    from warehouse.retention.plan import plan as planned

    settings = load_settings()
    if feed is not None:
        one(settings.feeds, feed)
    with closing(lake.connect(settings, read_only=True)) as con:
        items = planned(con, settings, read_good(settings.feeds)[0], feed)
    if json_output:
        as_json(items)
    else:
        rows = [(i.feed, i.what, i.before_day, i.days, i.rows or i.files, i.bytes, i.held_back) for i in items]
        table("retention", ("feed", "what", "before", "days", "rows or files", "bytes", "held back by"), rows)
    raise typer.Exit(1 if any(item.held_back for item in items) else 0)


@app.command("run")
@guarded
def run(
    feed: Feed = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="also let go all older snapshots, so that no byte remains")
    ] = False,
    json_output: Json = False,
) -> None:
    """Delete what `plan` names and write the proof. Exit code 1 when something older is held back."""
    from cityhub.spec.read import one, read_good
    from warehouse.retention.run import run as delete

    settings = load_settings()
    if feed is not None:
        keep = one(settings.feeds, feed).retention
        if keep.raw_days is None and keep.detail_days is None and keep.aggregate_days is None:
            raise Stop("CH-RET-001", feed=feed)
    done = delete(settings, read_good(settings.feeds)[0], feed, at_once=at_once)
    if json_output:
        as_json(done)
    else:
        _lines(done.deleted)
        for item in done.held_back:
            out.print(f"{item.feed} {item.what}: kept from {item.before_day} on, {item.held_back}", markup=False)
        if done.bytes_until:
            out.print(f"no query sees these rows; their bytes leave the disk by {done.bytes_until:%Y-%m-%d %H:%M}")
    raise typer.Exit(1 if done.held_back else 0)


@app.command("log")
@guarded
def show_log(feed: Feed = None, json_output: Json = False) -> None:
    """What was deleted so far: counts, digests, and what was found afterwards."""
    from warehouse import lake
    from warehouse.retention.run import history

    with closing(lake.connect(load_settings(), read_only=True)) as con:
        found = history(con, feed)
    if json_output:
        as_json(found)
    else:
        _lines(found)


@app.command("traces")
@guarded
def traces(
    dry: Annotated[bool, typer.Option("--dry", help="say what would go; nothing is removed")] = False,
    json_output: Json = False,
) -> None:
    """Remove what is older than `extracts.yaml` says of the service's access log and receipts. Every night does it."""
    from extracts.traces import remove

    done = remove(load_settings(), dry=dry)
    if json_output:
        as_json(done)
        return
    verb = "would be removed" if dry else "removed"
    for name, before, what in (
        ("access log", done.access_log_before, " ".join(done.access_log) or "nothing"),
        ("receipts", done.receipts_before, str(done.receipts)),
    ):
        out.print(f"{name}: {'all is kept' if before is None else f'before {before}: {what} {verb}'}", markup=False)
    out.print(f"{done.bytes} bytes")


def _lines(found: object) -> None:
    from warehouse.retention.run import Deleted

    lines = [item for item in found if isinstance(item, Deleted)] if isinstance(found, list | tuple) else []
    rows = [
        (i.run_id, i.feed, i.what, i.before_day, i.days, i.rows or i.files, i.sha256[:16], i.remaining) for i in lines
    ]
    table("deleted", ("run", "feed", "what", "before", "days", "rows or files", "sha256", "left"), rows)
