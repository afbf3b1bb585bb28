"""`cityhub feed draft` and `feed templates`: a first spec from what a source shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@guarded
def draft(
    address: Annotated[
        str,
        typer.Argument(
            metavar="URL|TABLE|FILE|TOPIC",
            help="http(s)://…, mysql+pymysql://host/db#table, a file, a folder, sftp://…, mqtt://host:port/topic/+",
        ),
    ],
    feed: Annotated[str | None, typer.Option("--feed", help="its name: platform.kind")] = None,
    template: Annotated[str | None, typer.Option("--template", help="one of `cityhub feed templates`")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="where to; default feeds/drafts/FEED.yaml")] = None,
    table_name: Annotated[str | None, typer.Option("--table", help="database: table or view")] = None,
    pattern: Annotated[str | None, typer.Option("--pattern", help="folder: which files, with *")] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="xlsx: which sheet; default the first")] = None,
    user: Annotated[str | None, typer.Option("--user", help="NAME of the secret with the user")] = None,
    password: Annotated[str | None, typer.Option("--password", help="NAME of the secret with the password")] = None,
    token: Annotated[str | None, typer.Option("--token", help="NAME of the secret with the token (REST)")] = None,
    messages: Annotated[int, typer.Option(min=1, help="MQTT: listen until so many messages came")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="MQTT: listen at most so long")] = 30,
    day: Annotated[str | None, typer.Option("--day", help="service day for the examples; default yesterday")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a draft that is there")] = False,
    json_output: Json = False,
) -> None:
    """Look at a source and write a first spec of it; guesses are marked, decisions are left as TODO."""
    from flow.draft import Asked
    from flow.draft import draft as make

    asked = Asked(
        address, feed, template, table_name, pattern, sheet, user, password, token, messages, seconds,
        parse_day(day, "feed draft"),
    )  # fmt: skip
    made = make(load_settings(), asked, to, force=force)
    if json_output:
        as_json(made)
        return
    out.print(f"wrote {made.path}: {made.fields} fields from {made.rows} records, {made.guesses} guesses", markup=False)
    if made.open:
        out.print(f"to fill in ({len(made.open)} TODO): {', '.join(made.open)}", markup=False)
    if made.refused:
        reasons = ", ".join(f"{count} {reason}" for reason, count in made.refused.items())
        out.print(f"records of the sample that this draft refuses: {reasons}", markup=False)
    for name, where in made.secrets.items():
        out.print(f"secret {name}: put its value into {where}", markup=False)
    out.print(f"next: cityhub feed check {made.path}", markup=False)


@guarded
def list_templates(json_output: Json = False) -> None:
    """Vendor templates that fill most of a spec: `cityhub feed draft ADDRESS --template NAME`."""
    from cityhub.draft.template import listed

    found = listed(load_settings().feeds).values()
    rows = [
        (t.name, t.data["title"]["zh"], t.data["table"], t.data["source"]["kind"], len(t.fields)) for t in found
    ]  # fmt: skip
    columns = ("template", "title", "table", "source", "fields")
    if json_output:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table(f"{len(rows)} templates", columns, rows)


def register(app: typer.Typer) -> None:
    """Put the commands under `cityhub feed`."""
    app.command("draft")(draft)
    app.command("templates")(list_templates)
