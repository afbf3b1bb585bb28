"""`cityhub indicators …`: do definitions keep to the portable subset, and what a second engine needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month, table

app = typer.Typer(help="Definitions of indicators: the portable subset, a second engine.", no_args_is_help=True)

COMMAND = "indicators export"


@app.command("check")
@guarded
def check(
    file: Annotated[Path | None, typer.Argument(help="a platform's file; default: all of the hub's")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """What in the SQL of definitions leaves the portable subset: all of it, with line, reason and what to write. Exit
    code 1: something."""
    from indicators.portable.review import review

    found = review(file)
    if json_output:
        as_json(found)
    else:
        columns = ("file", "line", "indicator", "rule", "found", "why", "write")
        table("leaves the portable subset", columns, [[row[name] for name in columns] for row in found])
    if found:
        raise typer.Exit(1)


@app.command("export")
@guarded
def export(
    to: Annotated[Path, typer.Option("--to", help="an empty or new folder")],
    day: Annotated[str | None, typer.Option("--day", help="one service day")] = None,
    month: Annotated[str | None, typer.Option("--month", help="a month, 2026-11")] = None,
    indicator: Annotated[list[str] | None, typer.Option("--indicator", help="only these codes")] = None,
) -> None:
    """Tables as Parquet and statements for ClickHouse, for one day or month."""
    from cityhub.clock import month_bounds
    from indicators import derived, views
    from indicators.definitions import read_all
    from indicators.period import of_day, of_month
    from indicators.portable import package
    from warehouse import lake

    if (day is None) == (month is None):
        raise _wrong("--day", "give either --day or --month")
    if to.exists() and any(to.iterdir()):
        raise _wrong("--to", f"{to} is not empty")
    known = read_all()
    if unknown := sorted(set(indicator or ()) - set(known)):
        raise _wrong("--indicator", f"no indicator is called {unknown[0]}")
    chosen = {code: item for code, item in known.items() if not indicator or code in indicator}
    one = parse_day(day, COMMAND)
    name = parse_month(month or "", COMMAND) if one is None else ""
    period = of_day(one) if one is not None else of_month(name, month_bounds(name)[1])
    with lake.connect(load_settings(), read_only=True) as con:
        every = {table for item in chosen.values() for table in (*item.reads(), *item.derived)}
        every |= {table for made in derived.read_all().values() for table in made.reads} | derived.REFERENCE_TABLES
        views.create(con, every)
        done = package.write(con, chosen, period, to)
    out.print(f"{to}: {done['tables']} tables, {done['statements']} statements; start with setup.sql", markup=False)


def _wrong(option: str, detail: str) -> Usage:
    return Usage("CH-RUN-003", option=option, detail=detail, command=COMMAND)
