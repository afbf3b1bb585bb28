"""`cityhub personal`: the key behind hashed values; which feeds hold protected fields."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table

app = typer.Typer(help="Personal data: protected fields, and the key of the hash.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("fields")
@guarded
def fields(json_output: Json = False) -> None:
    """Every protected field of every feed: hash, mask or drop."""
    from cityhub.spec.read import read_good

    specs, _ = read_good(load_settings().feeds)
    rows = [
        (feed, name, item.source, item.title or "", item.personal)
        for feed, spec in sorted(specs.items())
        for name, item in spec.fields.items()
        if item.personal != "no"
    ]
    names = ("feed", "field", "source", "title", "personal")
    if json_output:
        as_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        table(f"{len(rows)} protected fields", names, rows)


@app.command("key")
@guarded
def key(json_output: Json = False) -> None:
    """The fingerprint of the key in use and that of the warehouse. Exit code 1 when they differ."""
    from cityhub.secrets import lookup
    from warehouse import lake
    from warehouse.personal.key import NAME, PART, fingerprint
    from warehouse.prepared import stamps

    value = lookup(NAME)
    with closing(lake.connect(load_settings(), read_only=True)) as con:
        known = stamps(con).get(PART)
    used = fingerprint(value) if value else None
    if json_output:
        as_json({"in_use": used, "warehouse": known, "same": used == known})
    else:
        out.print(f"in use:    {used or 'none'}\nwarehouse: {known or 'none yet'}", markup=False)
    raise typer.Exit(0 if known is None or used == known else 1)


@app.command("accept-key")
@guarded
def accept_key(json_output: Json = False) -> None:
    """Go on with the present key though it is another one: from now on the same person is another text."""
    from warehouse import lake
    from warehouse.personal.key import accept

    settings = load_settings()
    with closing(lake.connect(settings)) as con:
        before, now = accept(con, settings)
    if json_output:
        as_json({"before": before, "now": now})
    elif before == now:
        out.print(f"the key is the warehouse's already: {now}")
    else:
        out.print(f"{before or 'none'} → {now}: rows loaded from now on do not match those before", markup=False)
