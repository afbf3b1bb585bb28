"""`cityhub feed to-workbook | from-workbook`: a spec as a form of one sheet, and the form back into the spec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@guarded
def to_workbook(
    feed: Annotated[str, typer.Argument(help="name of a feed, or the file of a spec or draft")],
    file: Annotated[Path, typer.Argument(help="the .xlsx to write")],
    json_output: Json = False,
) -> None:
    """Write a spec as a form with Chinese labels, explanations and drop-downs."""
    from cityhub.files import write_bytes
    from cityhub.spec.book_write import workbook
    from cityhub.spec.edit import data_of, read_text
    from flow.register.files import find

    path = find(load_settings().feeds, feed)
    write_bytes(file, workbook(data_of(read_text(path), path)), sync=True)
    if json_output:
        as_json({"spec": str(path), "workbook": str(file)})
    else:
        out.print(f"wrote {file} from {path}", markup=False)
        out.print(f"next: fill it in, then cityhub feed from-workbook {file}", markup=False)


@guarded
def from_workbook(
    file: Annotated[Path, typer.Argument(help="the filled-in .xlsx")],
    to: Annotated[Path | None, typer.Option("--out", help="spec file; default that of the feed, else a draft")] = None,
    json_output: Json = False,
) -> None:
    """Read a form back into its spec: only what changed is edited, comments in the YAML file stay."""
    from cityhub.spec.book_file import put_form

    path, changed = put_form(load_settings().feeds, file, to)
    if json_output:
        as_json({"spec": str(path), "changed": changed})
    else:
        out.print(f"{path}: {'changed' if changed else 'nothing to change'}", markup=False)
        out.print(f"next: cityhub feed check {path}", markup=False)


def register(app: typer.Typer) -> None:
    """Put the commands under `cityhub feed`."""
    app.command("to-workbook")(to_workbook)
    app.command("from-workbook")(from_workbook)
