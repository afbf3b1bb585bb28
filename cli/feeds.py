"""`cityhub feed`: look at feed specs; nothing is written but the schema file. `cli/register.py` has the other verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table

app = typer.Typer(help="Feed specs: look at them, check, preview, switch on and off.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
@guarded
def list_feeds(json_output: Json = False) -> None:
    """All feeds, drafts and files that cannot be read: titles, platform, transport, owner, state."""
    from flow.register.listing import listing

    found = listing(load_settings().feeds)
    if json_output:
        as_json([item.as_dict() for item in found])
    else:
        table(f"{len(found)} feeds", ("feed", "数据源", "source", "table", "owner", "state", "note"),
              [item.row() for item in found])  # fmt: skip


@app.command("show")
@guarded
def show(
    feed: str,
    sql: Annotated[bool, typer.Option("--sql", help="the SQL that the spec compiles to")] = False,
    json_output: Json = False,
) -> None:
    """One spec, as the hub understands it."""
    from flow.register.files import find, readable

    path = find(load_settings().feeds, feed)
    if sql:
        from warehouse.compile import describe

        out.print(describe(readable(path)), markup=False)
    elif json_output:
        as_json(readable(path).model_dump(mode="json", by_alias=True))
    else:
        out.print(path.read_text(encoding="utf-8"), markup=False)


@app.command("schema")
@guarded
def schema(
    path: Annotated[Path | None, typer.Argument(help="where to; default feeds/feed.schema.json")] = None,
) -> None:
    """Write the JSON Schema that editors complete feed specs from."""
    from cityhub.spec.read import write_schema

    target = path or load_settings().feeds / "feed.schema.json"
    write_schema(target)
    out.print(f"wrote {target}")
