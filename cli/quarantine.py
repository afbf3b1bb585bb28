"""`cityhub quarantine`: refused rows, what became of them, and what one can do about them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, report, table

if TYPE_CHECKING:
    from warehouse.quarantine import Which
    from warehouse.replay import Replayed

app = typer.Typer(help="Rows that failed a check: list, show, export, replay, waive.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Feed = Annotated[str | None, typer.Option(help="only this feed")]
Day = Annotated[str | None, typer.Option("--day", help="service day of the delivery, YYYY-MM-DD")]
Reason = Annotated[str | None, typer.Option(help="only this reason code")]
State = Annotated[str, typer.Option(help="open, fixed, released, waived or all")]
Id = Annotated[str | None, typer.Option("--id", help="only the row whose id begins so")]


def _which(feed: str | None, day: str | None, reason: str | None, state: str, command: str, **more: Any) -> Which:
    from warehouse.quarantine import STATES, Which

    if state not in {*STATES, "all"}:
        raise Usage(
            "CH-RUN-003", option="--state", detail=f"{state!r} is none of {', '.join(STATES)}, all",
            command=f"quarantine {command}",
        )  # fmt: skip
    return Which(feed, parse_day(day, f"quarantine {command}"), reason, None if state == "all" else state, **more)


@app.command("list")
@guarded
def list_rows(
    feed: Feed = None,
    day: Day = None,
    reason: Reason = None,
    state: State = "open",
    limit: Annotated[int, typer.Option(help="rows at most")] = 50,
    json_output: Json = False,
) -> None:
    """Refused rows: reason, field, value, place, owner."""
    from warehouse import lake
    from warehouse.quarantine import chosen

    with closing(lake.connect(load_settings(), read_only=True)) as con:
        found = chosen(con, _which(feed, day, reason, state, "list"), limit=limit)
    if json_output:
        as_json(found)
        return
    columns = ("id", "feed", "day", "state", "reason", "field", "value", "place", "owner")
    rows = [
        (r.id[:12], r.feed, r.service_day, r.state, r.reason, r.field, r.value, r.last_place, r.owner) for r in found
    ]
    table("quarantine", columns, rows)


@app.command("summary")
@guarded
def summary(
    feed: Feed = None, day: Day = None, reason: Reason = None, state: State = "open", json_output: Json = False
) -> None:
    """Counts by feed, day, reason and field."""
    from warehouse import lake
    from warehouse.quarantine import summary as counted

    which = _which(feed, day, reason, state, "summary")
    with closing(lake.connect(load_settings(), read_only=True)) as con:
        found = counted(con, feed=which.feed, day=which.day, reason=which.reason, state=which.state)
    if json_output:
        as_json(found)
        return
    rows = [(r.feed, r.service_day, r.state, r.reason, r.field, r.rows, r.sample) for r in found]
    table("quarantine", ("feed", "day", "state", "reason", "field", "rows", "sample"), rows)


@app.command("show")
@guarded
def show(id: Annotated[str, typer.Argument(help="id, or its beginning")], json_output: Json = False) -> None:
    """One refused row with everything: what it means, what to do, the row, its file, the spec then and now."""
    from cityhub.spec.read import read_good
    from warehouse import lake
    from warehouse.compile import spec_sha256
    from warehouse.quarantine import Which, one
    from warehouse.reasons import meaning
    from warehouse.replay import waiting

    settings = load_settings()
    with closing(lake.connect(settings, read_only=True)) as con:
        found = one(con, id)
        places = waiting(con, Which(id=found.id, state=None))
    spec = read_good(settings.feeds)[0].get(found.feed)
    now = spec_sha256(spec) if spec is not None else None
    words = meaning(found.reason)
    shown = asdict(found) | {
        "meaning": words.en, "meaning_zh": words.zh, "remedy": words.do,
"file": _file(places[0].folder, found.last_place),
        "spec_now": now, "spec_changed": None if now is None else now != found.spec_sha256,
    }  # fmt: skip
    if json_output:
        as_json(shown)
        return
    for name, value in shown.items():
        out.print(f"{name:14} {'–' if value is None else value}", markup=False)


def _file(folder: str | None, place: str | None) -> str | None:
    return f"{folder}/{place.rsplit(':', 1)[0]}" if folder and place else None


@app.command("export")
@guarded
def export(
    path: Annotated[Path, typer.Argument(help="file to write; .csv or .xlsx")],
    feed: Feed = None,
    day: Day = None,
    reason: Reason = None,
    state: State = "open",
    department: Annotated[str | None, typer.Option(help="only rows whose owner's name has this in it")] = None,
    json_output: Json = False,
) -> None:
    """The rows as one sheet for a department to put right."""
    from warehouse import lake
    from warehouse.quarantine import chosen
    from warehouse.quarantine_export import export as write

    with closing(lake.connect(load_settings(), read_only=True)) as con:
        rows = chosen(con, _which(feed, day, reason, state, "export", department=department))
    number = write(rows, path)
    if json_output:
        as_json({"file": str(path), "rows": number})
    else:
        out.print(f"{number} rows in {path}", markup=False)


@app.command("waive")
@guarded
def waive(
    ids: Annotated[list[str] | None, typer.Argument(help="ids, or their beginnings")] = None,
    feed: Feed = None,
    day: Day = None,
    reason: Reason = None,
    by: Annotated[str, typer.Option(help="who decides it")] = "",
    why: Annotated[str, typer.Option(help="why these rows may stay out")] = "",
    until: Annotated[str | None, typer.Option(help="last day, YYYY-MM-DD; then they are open again")] = None,
    json_output: Json = False,
) -> None:
    """Let refused rows go: they count no longer as open, and stay visible with who, why and until when."""
    from cityhub.spec.read import read_good
    from warehouse import lake
    from warehouse.quarantine import Which, one
    from warehouse.quarantine_waive import reopen_expired
    from warehouse.quarantine_waive import waive as write

    settings, last = load_settings(), parse_day(until, "quarantine waive")
    if not ids and feed is None and day is None and reason is None:
        raise Usage("CH-QUAR-002", option="rows", detail="are not named")
    specs = read_good(settings.feeds)[0]
    with closing(lake.connect(settings)) as con:
        reopen_expired(con, settings, specs)
        every = _which(feed, day, reason, "open", "waive")
        chosen = [Which(feed, every.day, reason, id=one(con, id).id) for id in ids or []] or [every]
        number = sum(write(con, settings, specs, which, by=by, why=why, until=last) for which in chosen)
    if json_output:
        as_json({"waived": number})
    else:
        out.print(f"{number} rows waived")


@app.command("replay")
@guarded
def replay(
    feed: Feed = None,
    day: Day = None,
    reason: Reason = None,
    id: Id = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, write nothing")] = False,
    restate: Annotated[bool, typer.Option("--restate", help="also check and compute the touched days now")] = False,
    json_output: Json = False,
) -> None:
    """Load the deliveries of open rows again under the present specs. Exit code 1 when one could not be loaded."""
    from cityhub.spec.read import read_good
    from warehouse import lake
    from warehouse.quarantine import Which, one
    from warehouse.quarantine_waive import reopen_expired
    from warehouse.replay import replay as run

    settings = load_settings()
    specs = read_good(settings.feeds)[0]
    with closing(lake.connect(settings)) as con:
        if not dry_run:
            reopen_expired(con, settings, specs)
        every = _which(feed, day, reason, "open", "replay")
        which = every if id is None else Which(feed, every.day, reason, id=one(con, id).id)
        done = list(run(con, settings, specs, which, dry=dry_run))
        days = sorted({day for item in done for day in item.days})
        codes = _indicators(con, done)
    if restate and not dry_run and days:
        from flow.steps import check
        from indicators.engine import compute_dirty

        for touched in days:
            check(settings, touched)
        compute_dirty(settings)
    if json_output:
        as_json({"dry_run": dry_run, "deliveries": [_told(item) for item in done], "days": days, "indicators": codes})
    else:
        _print(done, codes, dry_run=dry_run, restated=restate)
    raise typer.Exit(1 if any(item.error for item in done) else 0)


def _indicators(con: Any, done: list[Replayed]) -> dict[str, list[str]]:
    """Day → codes that are computed again."""
    from indicators import dirty
    from indicators.definitions import read_all

    marks = [dirty.Mark(item.table, day, "replay") for item in done if item.table for day in item.days]
    if not marks:
        return {}
    return {f"{day}": sorted(codes) for day, codes in sorted(dirty.plan(con, read_all(), marks).items())}


def _told(item: Replayed) -> dict[str, Any]:
    told = {"feed": item.waiting.feed, "load_id": item.waiting.load_id, "rows": item.waiting.rows}
    if item.error is not None:
        return told | {"error": item.error.as_dict()}
    return told | {"table": item.table, "days": item.days, "result": item.result}


def _print(done: list[Replayed], codes: dict[str, list[str]], *, dry_run: bool, restated: bool) -> None:
    columns = ("feed", "day", "load", "chosen", "released", "still refused", "loaded", "landed", "note")
    rows = []
    for item in done:
        result, note = item.result, "would happen" if dry_run else ""
        if item.error is not None:
            report(item.error)
        if result is not None and result.repeated:
            note = "the spec is the one of the load: nothing changes"
        counts = (None,) * 4 if result is None else (result.released, result.quarantined, result.loaded, result.landed)
        rows.append((item.waiting.feed, item.waiting.service_day, item.waiting.load_id, item.waiting.rows, *counts,
                     note if item.error is None else item.error.code))  # fmt: skip
    table("replay", columns, rows)
    for day, listed in codes.items():
        out.print(f"{day}: {len(listed)} indicators: {', '.join(listed)}", markup=False)
    if codes and not dry_run and not restated:
        out.print("the next night computes them again; `--restate` does it at once")
