"""`cityhub report`: the monthly notice and the ranking as files to print and sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_month


@guarded
def report(
    month: Annotated[str, typer.Argument(help="YYYY-MM")],
    publication: Annotated[int | None, typer.Option(help="its number; default: the month's newest")] = None,
    formats: Annotated[str, typer.Option("--format", help="pdf, docx, xlsx, with commas")] = "pdf,docx,xlsx",
    folder: Annotated[Path | None, typer.Option("--out", help="folder; default: reports/ of the installation")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """The month's notice (通报) as PDF and DOCX and its ranking as XLSX, from published files alone."""
    from scoring.notice.make import report as make

    wanted = [item.strip().lower() for item in formats.split(",") if item.strip()]
    made = make(load_settings(), parse_month(month, "report"), number=publication, formats=wanted, out=folder)
    if json_output:
        as_json(made)
        return
    for item in made:
        out.print(f"{item.path}  {item.bytes} bytes  sha256 {item.sha256[:12]}", markup=False)
    out.print(f"publication {made[0].publication}, {made[0].status}" if made else "no format asked for", markup=False)
