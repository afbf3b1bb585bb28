"""`cityhub feed`: look at feed specs; nothing is written but the schema file. `cli/register.py` has the other verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.errors import Stop
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


@app.command("scan")
@guarded
def scan(
    target: Annotated[str, typer.Argument(metavar="FEED|FILE", help="a feed (its newest delivery) or a file")],
    day: Annotated[str | None, typer.Option("--day", help="service day of the delivery, YYYY-MM-DD")] = None,
    encoding: Annotated[str, typer.Option(help="of a CSV or JSON file")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="of a CSV file")] = ",",
    header_row: Annotated[int, typer.Option(help="of a CSV file or workbook")] = 1,
    record: Annotated[str, typer.Option(help="name of an XML record")] = "",
    json_output: Json = False,
) -> None:
    """Look for personal data that nobody marked; nothing is written. Exit code 1 when there are any."""
    from cityhub.spec.read import one
    from cli.output import parse_day
    from warehouse.landing import newest
    from warehouse.personal import scan as scanner

    settings = load_settings()
    if Path(target).suffix and ("/" in target or Path(target).is_file()):
        found = scanner.file(Path(target), encoding=encoding, delimiter=delimiter, header_row=header_row, record=record)
        notes = []
    else:
        spec = one(settings.feeds, target)
        manifest = newest(settings.landing / target, parse_day(day, "feed scan"))
        if manifest is None:
            raise Stop("CH-PERS-006", feed=target, day=day)
        found = scanner.landed(spec, manifest)
        notes = scanner.as_findings(settings, spec, found)
    if json_output:
        as_json({"suspects": found, "findings": notes})
    else:
        rows = [(s.column, s.kind, s.values, s.of, f"{s.share:.0%}", s.shape) for s in found]
        table(f"{len(rows)} columns", ("column", "kind", "values", "of", "share", "like"), rows)
        for note in notes:
            out.print(note.suggestion or "", markup=False)
    raise typer.Exit(1 if found else 0)


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
