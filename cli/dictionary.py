"""`cityhub dictionary`: what every table, column and indicator means, as pages or one entry on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.settings import REPOSITORY
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out


@guarded
def dictionary(
    name: Annotated[
        str | None, typer.Argument(metavar="[TABLE|TABLE.COLUMN|CODE]", help="print this entry; nothing is written")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="write nothing; exit code 1 when a page is stale")] = False,
    folder: Annotated[Path, typer.Option("--out", help="folder of the pages")] = REPOSITORY / "docs" / "dictionary",
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Write the dictionary's pages and data package from specs and definitions, or check them, or print one entry."""
    from flow.dictionary.whole import whole

    everything = whole(load_settings())
    if name is not None:
        from flow.dictionary.lookup import entry

        found = entry(everything, name)
        as_json(found.as_dict) if json_output else out.print("\n".join(found.lines), markup=False)
        return
    from flow.dictionary.write import stale, write

    lines = stale(everything, folder) if check else write(everything, folder)
    if json_output:
        as_json({"stale" if check else "written": lines})
    elif check:
        out.print("\n".join([*lines, "run `cityhub dictionary` and commit what it wrote"] if lines else ["up to date"]),
                  markup=False)  # fmt: skip
    else:
        out.print(f"{folder}: {len(lines)} files changed", markup=False)
    raise typer.Exit(1 if check and lines else 0)
