"""`cityhub extract codes`: what the lists of codes know, and which of our values they do not."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhub import clock
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

app = typer.Typer(help="Codes of national standards: our values against them.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option("--day", help="YYYY-MM-DD that codes must be in force on; default today")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
@guarded
def check(day: Day = None, json_output: Json = False) -> None:
    """Values of the warehouse that no list of codes knows. Exit code 1 with findings; nothing is guessed."""
    from extracts.codes.check import check as check_codes

    found = check_codes(load_settings(), parse_day(day, "extract codes check") or clock.now().date())
    if json_output:
        as_json({"day": found.day, "looked_at": found.looked_at, "findings": found.findings})
    else:
        for column, (values, rows) in found.looked_at.items():
            out.print(f"{column}: {values} values in {rows} rows", markup=False)
        rows_found = [
            (item.problem, item.column, item.value, item.list, item.rows, item.day, item.instead)
            for item in found.findings
        ]
        columns = ("problem", "column", "value", "list", "rows", "last day", "code instead")
        table(f"{len(rows_found)} findings", columns, rows_found)
    raise typer.Exit(1 if found.findings else 0)


@app.command()
@guarded
def show(
    name: Annotated[str, typer.Argument(metavar="LIST", help="divisions, classes_2013, classes_2026 or units")],
    day: Day = None,
    json_output: Json = False,
) -> None:
    """One list of codes; with --day only what is in force then."""
    from extracts.codes.lists import read

    found, on = read(name), parse_day(day, "extract codes show")
    codes = [item for item in found.codes if on is None or item.valid(on)]
    if json_output:
        as_json({"list": found.id, "title": found.title_zh, "standard": found.standard, "codes": codes})
        return
    rows = [(item.code, item.kind or item.level, item.name, item.valid_from, item.valid_to, item.confidence)
            for item in codes]  # fmt: skip
    table(f"{found.title_zh} {found.standard}", ("code", "kind", "name", "from", "to", "confidence"), rows)
