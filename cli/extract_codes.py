"""`cityhub extract codes`: what the lists of codes know, and which of our values they do not."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhub import clock
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

app = typer.Typer(help="Codes of national standards: our values against them.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option("--day", help="YYYY-MM-DD that codes must be in force on; default today")]
Edition = Annotated[str | None, typer.Option("--edition", help="which list four digits are of, e.g. classes_2007")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
@guarded
def check(day: Day = None, edition: Edition = None, json_output: Json = False) -> None:
    """How many of our values have a code, and those that have none. Exit code 1 with findings; nothing is guessed."""
    from extracts.codes.check import Ask
    from extracts.codes.check import check as check_codes

    on = parse_day(day, "extract codes check") or clock.now().date()
    found = check_codes(load_settings(), on, Ask(edition=edition))
    if json_output:
        as_json({"day": found.day, "looked_at": found.looked_at, "findings": found.findings})
    else:
        looked = [
            (column, item.mapped_values, item.values, item.mapped_rows, item.rows)
            for column, item in found.looked_at.items()
        ]
        table("with a code", ("column", "values", "of", "rows", "of"), looked)
        rows_found = [
            (item.problem, item.column, item.value, item.list, item.rows, item.day, item.instead, item.why)
            for item in found.findings
        ]
        columns = ("problem", "column", "value", "list", "rows", "last day", "code instead", "why")
        table(f"{len(rows_found)} findings", columns, rows_found)
    raise typer.Exit(1 if found.findings else 0)


@app.command()
@guarded
def show(
    name: Annotated[
        str, typer.Argument(metavar="LIST", help="divisions, classes_2007, classes_2013, classes_2026, units")
    ],
    day: Day = None,
    json_output: Json = False,
) -> None:
    """One list of codes; with --day only what is in force then."""
    from extracts.codes.lists import read

    found, on = read(name), parse_day(day, "extract codes show")
    codes = [item for item in found.codes if on is None or item.valid(on)]
    if json_output:
        head = {"list": found.id, "title": found.title_zh, "standard": found.standard, "sources": found.sources}
        as_json(head | {"codes": codes})
        return
    rows = [
        (
            item.code, item.kind or item.level, item.name, item.valid_from, item.valid_to,
            item.confidence, ", ".join(item.source), item.later,
        )
        for item in codes
    ]  # fmt: skip
    columns = ("code", "kind", "name", "from", "to", "confidence", "source", "later")
    table(f"{found.title_zh} {found.standard}", columns, rows)
    for key, text in found.sources.items():
        out.print(f"{key}: {text}", markup=False)
