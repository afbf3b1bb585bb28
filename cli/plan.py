"""`cityhub plan …` and `cityhub apply`: what a change would do, listed before it is done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhub.clock import yesterday
from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month, table

if TYPE_CHECKING:
    from datetime import date

    from flow.plan.store import Plan

app = typer.Typer(help="What a change would do: rows, indicators, scores, ranks, A → B.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
First = Annotated[str | None, typer.Option("--from", help="first service day")]
Last = Annotated[str | None, typer.Option("--to", help="last service day, included")]


@app.command("backfill")
@guarded
def backfill(
    feed: str,
    first: Annotated[str, typer.Option("--from", help="first service day")],
    last: Annotated[str, typer.Option("--to", help="last service day, included")],
    json_output: Json = False,
) -> None:
    """Fetch past days of a feed again, for real, and see what they would change. Exit code 1: something."""
    from flow.plan import make

    days = _days(first, last)
    _show(make.backfill(load_settings(), feed, days[0], days[-1]), json_output)


@app.command("replay")
@guarded
def replay(
    feed: Annotated[str, typer.Option("--feed", help="which feed")],
    day: Annotated[str | None, typer.Option("--day", help="one service day")] = None,
    first: First = None,
    last: Last = None,
    json_output: Json = False,
) -> None:
    """Load landed deliveries again under the present spec; without days: those with rows in quarantine."""
    from flow.plan import make
    from flow.plan.choose import quarantined_days

    settings = load_settings()
    days = _days(day or first, day or last) if day or first or last else quarantined_days(settings, feed)
    _show(make.replay(settings, feed, days), json_output)


@app.command("spec")
@guarded
def spec(
    file: Path,
    days: Annotated[int, typer.Option("--days", min=1, help="how many landed service days, newest first")] = 7,
    json_output: Json = False,
) -> None:
    """A changed or new spec file against the raw bytes of the last days: what newly fails, what changes."""
    from flow.plan import make
    from flow.plan.choose import landed_days

    settings = load_settings()
    _exists(file)
    _show(make.spec(settings, file, landed_days(settings, file, days)), json_output)


@app.command("rule")
@guarded
def rule(
    scheme: Annotated[Path | None, typer.Option(help="changed scoring scheme or digital-city policy")] = None,
    indicator: Annotated[Path | None, typer.Option(help="changed indicators of a platform, the whole file")] = None,
    switch: Annotated[list[str] | None, typer.Option(help="ID=OPTION, repeatable")] = None,
    month: Annotated[list[str] | None, typer.Option(help="month to try it on; default: the newest")] = None,
    json_output: Json = False,
) -> None:
    """A changed scoring rule, indicator definition or switch."""
    from flow.plan import ground, make, rules

    settings = load_settings()
    own = ground.real(settings)
    if sum(bool(given) for given in (scheme, indicator, switch)) != 1:
        raise Usage("CH-PLAN-010", option="rule", detail="give one of --scheme, --indicator, --switch")
    if scheme is not None:
        made = rules.of_scheme(_exists(scheme))
    elif indicator is not None:
        made = rules.of_indicators(own, _exists(indicator))
    else:
        made = rules.of_switches(own, dict(_pair(text) for text in switch or ()))
    todo = rules.todo(own, made, [parse_month(text, "plan rule") for text in month or ()])
    _show(make.rule(settings, made.subject, made.files, todo), json_output)


@app.command("late")
@guarded
def late(json_output: Json = False) -> None:
    """What late and corrected rows that wait now will restate in the next night."""
    from flow.plan import make

    _show(make.late(load_settings()), json_output)


@app.command("list")
@guarded
def list_plans(json_output: Json = False) -> None:
    """All plans, newest first."""
    from flow.plan.store import as_json as plain
    from flow.plan.store import every

    found = every(load_settings())
    if json_output:
        as_json([plain(plan) for plan in found])
    else:
        rows = [
            (p.id, p.change.subject, "nothing" if p.empty else "changes", (p.applied or {}).get("at", "–"), p.made_at)
            for p in found
        ]
        table("plans", ("plan", "change", "effect", "applied", "made"), rows)


@app.command("show")
@guarded
def show(plan: str, json_output: Json = False) -> None:
    """One plan again. Exit code 1: it changes something."""
    from flow.plan.store import read

    _show(read(load_settings(), plan), json_output)


@guarded
def apply(
    plan: str,
    reason: Annotated[str, typer.Option(help="why, for the record")],
    by: Annotated[str | None, typer.Option(help="who; default: the user of this machine")] = None,
    json_output: Json = False,
) -> None:
    """Carry a plan out on the warehouse, check that what comes out is what was planned, and record it."""
    from flow.plan.apply import apply as carry_out

    done = carry_out(load_settings(), plan, reason, by)
    if json_output:
        as_json(done)
    else:
        words = "was applied before" if done.again else "applied, and what came out is what was planned"
        out.print(f"{done.plan}: {words} ({done.by}, {done.at})", markup=False)
        out.print("publish: `cityhub publish make MONTH --reason …`, or the next night", markup=False)


def _show(plan: Plan, json_output: bool) -> None:
    if json_output:
        from flow.plan.store import as_json as plain

        as_json(plain(plan))
    else:
        from cli.plan_screen import print_plan

        print_plan(plan)
    raise typer.Exit(0 if plan.empty else 1)


def _days(first: str | None, last: str | None) -> list[date]:
    from flow.backfill import days

    start, end = parse_day(first, "plan"), parse_day(last, "plan") or yesterday()
    if start is None or end < start:
        raise Usage("CH-PLAN-010", option="--from", detail="give --from, not later than --to")
    if end - start > timedelta(days=366):
        raise Usage("CH-PLAN-010", option="--to", detail="more than a year at once")
    return days(start, end)


def _exists(file: Path) -> Path:
    if not file.is_file():
        raise Usage("CH-PLAN-010", option=str(file), detail="there is no such file")
    return file


def _pair(text: str) -> tuple[str, str]:
    name, sign, option = text.partition("=")
    if not (name and sign and option):
        raise Usage("CH-PLAN-010", option="--switch", detail=f"{text!r} is not ID=OPTION")
    return name, option
