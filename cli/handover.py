"""`cityhub handover`: the indicator feed for an outside scoring system, and the check of a folder of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table


@guarded
def handover(
    period: Annotated[str, typer.Argument(metavar="MONTH|DAY|check", help="2026-11, 2026-11-20, or the word check")],
    given: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="with check: the folder to look at")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="folder to make; default handover/ in the hub's home")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="parquet, json or both, with a comma")] = "parquet,json",
    number: Annotated[int | None, typer.Option("--publication", help="of this number; default: the newest")] = None,
    working: Annotated[bool, typer.Option("--working", help="unpublished values of the warehouse, marked so")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Hand over indicator values under the contract of docs/handover.md: published ones, unless --working.

    `cityhub handover check FOLDER` looks at a folder that anybody made; exit code 1 when it breaks the contract.
    """
    if period == "check":
        if given is None:
            raise Usage("CH-RUN-003", option="FOLDER", detail="which folder?", command="handover")
        _check(given, json_output)
        return
    if given is not None:
        raise Usage("CH-RUN-003", option=str(given), detail="give the folder to make as --out", command="handover")
    if working and number is not None:
        raise Usage("CH-RUN-003", option="--working", detail="it has no --publication", command="handover")
    from scoring.handover.write import hand_over

    wanted = [part.strip() for part in formats.split(",") if part.strip()]
    made = hand_over(load_settings(), period, folder, formats=wanted, working=working, number=number)
    if json_output:
        as_json(made)
    else:
        what = f"publication {made.publication}" if made.publication else "WORKING values, not published"
        counts = ", ".join(f"{rows} {name}" for name, rows in made.rows.items())
        out.print(f"{made.folder}: {what}, {counts}{'' if made.new else ', as it was'}", markup=False)


def _check(folder: Path, json_output: bool) -> None:
    from scoring.handover.check import check

    found = check(folder)
    if json_output:
        as_json({"folder": str(folder), "conforms": not found, "findings": found})
    elif found:
        rows = [(item.file, item.row, item.field, item.value, item.problem, item.fix) for item in found]
        table(f"{len(found)} findings", ("file", "row", "field", "value", "problem", "what to do"), rows)
    else:
        out.print(f"{folder} keeps the contract", markup=False)
    raise typer.Exit(1 if found else 0)
