"""`cityhub score`, `publish`, `ranking`: the numbers that people are judged by, and their proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cityhub.clock import month_bounds, month_of, yesterday
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month, table

score_app = typer.Typer(help="Scores: compute, explain, compare, whatif.", no_args_is_help=True)
publish_app = typer.Typer(help="Publications: list, verify.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@score_app.command("explain")
@guarded
def explain(unit: str, month: str, json_output: Json = False) -> None:
    """Why a unit has its score: every number with its inputs, rule and clause. UNIT is a code or a Chinese name."""
    from scoring.explain import explain as of_unit

    found = of_unit(load_settings(), unit, parse_month(month, "score explain"))
    if json_output:
        as_json(found.tree)
    else:
        out.print(found.text, markup=False)


@score_app.command("compute")
@guarded
def compute(
    month: str, day: Annotated[str | None, typer.Option("--day", help="as of this service day")] = None
) -> None:
    """Compute the scores of a month again from the indicators that are there."""
    from scoring.month import score_month

    month = parse_month(month, "score compute")
    first, after = month_bounds(month)
    as_of = parse_day(day, "score compute") or min(yesterday(), after.replace(day=1).fromordinal(after.toordinal() - 1))
    score_month(load_settings(), month, max(as_of, first))
    _print_ranking(month, False)


@guarded
def ranking(month: Annotated[str | None, typer.Argument(help="YYYY-MM")] = None, json_output: Json = False) -> None:
    """The ranking of a month, territories and departments."""
    _print_ranking(parse_month(month or month_of(yesterday()), "ranking"), json_output)


def _print_ranking(month: str, json_output: bool) -> None:
    from scoring.report import ranking_rows

    rows = ranking_rows(load_settings(), month)
    if json_output:
        as_json(rows)
    else:
        from cli.screens import print_ranking

        print_ranking(month, rows)


@publish_app.command("list")
@guarded
def list_publications(json_output: Json = False) -> None:
    """All publications, newest first."""
    from scoring.publish import publications

    found = publications(load_settings())
    if json_output:
        as_json(found)
    else:
        rows = [(p.number, p.period, p.service_day, p.status, p.reason, p.supersedes, p.sha256[:12]) for p in found]
        table("publications", ("number", "period", "as of", "status", "reason", "supersedes", "sha256"), rows)


@publish_app.command("make")
@guarded
def make(
    month: str,
    reason: Annotated[str, typer.Option(help="why; it stands in the publication")],
    day: Annotated[str | None, typer.Option("--day", help="last service day that it holds")] = None,
    final: Annotated[bool, typer.Option("--final", help="the month is final; later changes are corrections")] = False,
    json_output: Json = False,
) -> None:
    """Publish a month now: after a plan was applied, or as final. The same content makes no new number."""
    from scoring.publish import publish

    month = parse_month(month, "publish make")
    last = month_bounds(month)[1] - timedelta(days=1)
    as_of = parse_day(day, "publish make") or min(yesterday(), last)
    made = publish(load_settings(), month, as_of, reason, status="final" if final else "provisional")
    if json_output:
        as_json(made)
    else:
        out.print(f"publication {made.number}: {made.period}, {made.status}{'' if made.new else ', as it was'}")


@publish_app.command("verify")
@guarded
def verify(
    number: Annotated[int | None, typer.Argument(help="which; default: the current one")] = None,
    json_output: Json = False,
) -> None:
    """Recompute the checksums of a publication. Exit code 1 when a file is not what was published."""
    from scoring.publish import verify as of_number

    found = of_number(load_settings(), number)
    if json_output:
        as_json(found)
    else:
        out.print("\n".join(found.lines), markup=False)
    raise typer.Exit(0 if found.ok else 1)
