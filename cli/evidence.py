"""`cityhub evidence`: everything behind one score in one file, and the check of such a file on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_month

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


class _UnitOrVerify(TyperGroup):
    """`cityhub evidence UNIT MONTH` is `cityhub evidence make UNIT MONTH`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_UnitOrVerify,
    no_args_is_help=True,
    help="The evidence of one score: `evidence UNIT MONTH`, `evidence verify FILE`.",
)


@app.command("make")
@guarded
def make(
    unit: str,
    month: str,
    file: Annotated[
        Path | None, typer.Option("--out", help="the archive; default: evidence-UNIT-MONTH-NUMBER.zip")
    ] = None,
    publication: Annotated[int | None, typer.Option(min=1, help="its number; default: the month's newest")] = None,
    landed: Annotated[
        bool, typer.Option("--landed/--no-landed", help="with the bytes as received, or their sha256 only")
    ] = True,
    landed_mb: Annotated[int, typer.Option(min=0, help="of landed bytes at most so many MB")] = 200,
    rows: Annotated[int, typer.Option(min=0, help="a table of more rows than this is left out")] = 1_000_000,
    json_output: Json = False,
) -> None:
    """Pack a unit's score: components, indicators, rows, deliveries, specs, rules. UNIT is a code or a Chinese name."""
    from scoring.evidence.make import make as of_unit

    made = of_unit(
        load_settings(), unit, parse_month(month, "evidence"), out=file, number=publication, landed=landed,
        landed_mb=landed_mb, rows_at_most=rows,
    )  # fmt: skip
    if json_output:
        as_json(made)
        return
    out.print(
        f"{made.file}: {made.unit} {made.month}, publication {made.publication}, {made.bytes} bytes", markup=False
    )
    out.print(f"  root {made.root}, {made.pieces} pieces")
    out.print(f"  publication's manifest {made.publication_sha256}")
    out.print(f"  indicators: {made.recomputed} come out of the packed rows, {made.checksummed} are only checksummed")
    out.print(f"  deliveries: {made.packed} of {made.deliveries} with their bytes")


@app.command("verify")
@guarded
def verify(
    file: Path,
    root: Annotated[str | None, typer.Option(help="the root that was noted when the pack was made")] = None,
    json_output: Json = False,
) -> None:
    """Check a pack from nothing but itself, and compute its score again. Exit code 1 names each piece that fails."""
    from scoring.evidence.verify import verify as of_file

    found = of_file(file, root=root)
    if json_output:
        as_json(found)
    else:
        out.print("\n".join(found.lines), markup=False)
    raise typer.Exit(0 if found.ok else 1)
