"""`cityhub publish`: list, make, verify. Provisional → final, by name → corrected, with a reason and by name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cityhub.clock import month_bounds, yesterday
from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month, table

if TYPE_CHECKING:
    from scoring.month import Scored

app = typer.Typer(help="Publications: list, make, verify.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
@guarded
def list_publications(json_output: Json = False) -> None:
    """All publications, newest first."""
    from scoring.publish import publications

    found = publications(load_settings())
    if json_output:
        as_json(found)
        return
    rows = [
        (p.number, p.period, p.service_day, p.status, p.approved_by or p.corrected_by, p.reason, p.supersedes,
         p.sha256[:12])
        for p in found
    ]  # fmt: skip
    columns = ("number", "period", "as of", "status", "by", "reason", "supersedes", "sha256")
    table("publications", columns, rows)


@app.command("make")
@guarded
def make(
    month: str,
    reason: Annotated[str, typer.Option(help="why; it stands in the publication")],
    day: Annotated[str | None, typer.Option("--day", help="last service day that it holds")] = None,
    final: Annotated[bool, typer.Option("--final", help="the month is final; later changes are corrections")] = False,
    approved_by: Annotated[str | None, typer.Option(help="who approved the final month")] = None,
    corrected_by: Annotated[str | None, typer.Option(help="who corrects a month that is final")] = None,
    json_output: Json = False,
) -> None:
    """Publish a month now: after a plan was applied, as final, or as the correction of a final month (its scores are
    computed again from what the warehouse holds). The same content makes no new number."""
    from extracts.make import make_missing
    from scoring.publish import publish

    if approved_by is not None and not final:
        raise Usage("CH-RUN-003", option="--approved-by", detail="it goes with --final", command="publish make")
    month = parse_month(month, "publish make")
    last = month_bounds(month)[1] - timedelta(days=1)
    as_of = parse_day(day, "publish make") or min(yesterday(), last)
    settings = load_settings()
    made = publish(
        settings, month, as_of, reason, status="final" if final else "provisional",
        approved_by=approved_by, corrected_by=corrected_by,
    )  # fmt: skip
    make_missing(settings)
    if json_output:
        as_json(made)
        return
    by = f", by {made.approved_by or made.corrected_by}" if made.approved_by or made.corrected_by else ""
    out.print(f"publication {made.number}: {made.period}, {made.status}{by}{'' if made.new else ', as it was'}")


@app.command("verify")
@guarded
def verify(
    number: Annotated[int | None, typer.Argument(help="which; default: the current one")] = None,
    every: Annotated[bool, typer.Option("--all", help="all publications and the chain through them")] = False,
    json_output: Json = False,
) -> None:
    """Is a publication what was published: files, manifest, chain, the warehouse's record and, of a final month, its
    rows; the scores computed again. Exit code 1 names what is not."""
    from scoring.publish import verify as of_number
    from scoring.publish import verify_all

    found = verify_all(load_settings()) if every else of_number(load_settings(), number)
    if json_output:
        as_json(found)
    else:
        out.print("\n".join(found.lines), markup=False)
    raise typer.Exit(0 if found.ok else 1)


@app.command("put-back")
@guarded
def put_back(month: str) -> None:
    """Give the warehouse's rows of a final month what was published, where somebody changed them. Exit code 1: some
    were changed."""
    from scoring.publication.frozen import put_back as of_month

    changed = of_month(load_settings(), parse_month(month, "publish put-back"))
    for line in changed:
        out.print(f"put back: {line}", markup=False)
    if not changed:
        out.print("the rows are as published, or the month is not final")
    raise typer.Exit(1 if changed else 0)


def tell_final(settings: Settings, made: Scored) -> None:
    """That a month is final, and which scores would be otherwise now."""
    from scoring.publication.manifest import newest
    from scoring.report import ranking_rows

    if not made.changed:
        out.print(f"{made.month} is final under number {made.final}; the data of now give the same scores")
        return
    held = {row.unit_code: row for row in ranking_rows(settings, made.month)}
    out.print(f"{made.month} is final under number {made.final} and stays; the data of now would give:")
    for result in made.results:
        row = held.get(result.unit)
        old = (row.exact, row.rank, row.grade, row.state) if row else (None,) * 4
        new = (None if result.score is None else format(result.score, "f"), result.rank, result.grade_zh, result.state)
        if old != new:
            out.print(f"  {result.name or result.unit}: {_told(old)} → {_told(new)}", markup=False)
    found = newest(settings.publications, made.month)
    number = found.number if found else made.final
    out.print(
        f"to correct {number}: cityhub publish make {made.month} --reason TEXT --corrected-by NAME; if nobody knows of "
        f"a change, look at: cityhub publish verify {number}"
    )


def _told(values: tuple[object, ...]) -> str:
    score, rank, grade, state = values
    return f"{score or '–'} (rank {rank or '–'}, {grade or '–'}, {state or '–'})"
