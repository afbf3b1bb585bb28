"""`issues`: what departments have to see to, and their monthly reports."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.default_list import DefaultList
from cli.output import as_json, guarded, out, parse_month, table

app = typer.Typer(cls=DefaultList, help="Issues per department: [list], update, report.")
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Department = Annotated[str | None, typer.Option(help="only this department")]


@app.command("list")
@guarded
def list_issues(
    department: Department = None,
    feed: Annotated[str | None, typer.Option(help="only this feed")] = None,
    state: Annotated[str, typer.Option(help="open, closed or all")] = "open",
    json_output: Json = False,
) -> None:
    """Issues by department. Exit code 1 when one is open."""
    from cityhub.errors import Usage
    from warehouse import issues, lake

    if state not in {"open", "closed", "all"}:
        raise Usage(
            "CH-RUN-003", option="--state", detail=f"{state!r} is not open, closed or all", command="issues list"
        )
    with closing(lake.connect(load_settings(), read_only=True)) as con:
        found = issues.stored(con, department=department, feed=feed, state=None if state == "all" else state)
    if json_output:
        as_json(found)
    else:
        rows = [
            (i.department, i.title_zh, i.feed, i.since_day, i.last_day, i.state, i.told_at, i.detail) for i in found
        ]
        table(f"{len(found)} issues", ("部门", "事项", "feed", "since", "last", "state", "told", "说明"), rows)
    raise typer.Exit(1 if any(item.state == "open" for item in found) else 0)


@app.command("update")
@guarded
def update(json_output: Json = False) -> None:
    """Open, carry on and close issues by what the warehouse says now, as each night does."""
    from cityhub.spec.read import read_good
    from warehouse import issues, lake

    settings = load_settings()
    specs = {name: spec for name, spec in read_good(settings.feeds)[0].items() if spec.active}
    with closing(lake.connect(settings)) as con:
        done = issues.update(con, settings, specs)
    if json_output:
        as_json(done)
    else:
        out.print(f"{done.opened} opened, {done.changed} changed, {done.closed} closed; {done.open} open")


@app.command("report")
@guarded
def report_month(
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default the month of yesterday")] = None,
    department: Department = None,
    json_output: Json = False,
) -> None:
    """Write the monthly report of each department (Markdown and HTML) below <home>/reports."""
    from cityhub.clock import month_of, yesterday
    from flow.observe.report import write

    paths = write(load_settings(), parse_month(month, "issues report") if month else month_of(yesterday()), department)
    as_json([str(path) for path in paths]) if json_output else out.print("\n".join(map(str, paths)), markup=False)
