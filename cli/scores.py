"""`cityhub score`, `ranking`: the numbers that people are judged by."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhub.clock import month_bounds, month_of, yesterday
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month

score_app = typer.Typer(help="Scores: compute, explain, compare, whatif.", no_args_is_help=True)
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
    """Compute the scores of a month again from the indicators that are there. A final month stays as published: what
    would be otherwise is told, exit code 1."""
    from scoring.month import score_month

    month = parse_month(month, "score compute")
    first, after = month_bounds(month)
    as_of = parse_day(day, "score compute") or min(yesterday(), after.replace(day=1).fromordinal(after.toordinal() - 1))
    settings = load_settings()
    made = score_month(settings, month, max(as_of, first))
    _print_ranking(month, False)
    if made.final is not None:
        from cli.publish import tell_final

        tell_final(settings, made)
        raise typer.Exit(1 if made.changed else 0)


@guarded
def ranking(month: Annotated[str | None, typer.Argument(help="YYYY-MM")] = None, json_output: Json = False) -> None:
    """The ranking of a month, territories and departments."""
    _print_ranking(parse_month(month or month_of(yesterday()), "ranking"), json_output)


def _print_ranking(month: str, json_output: bool) -> None:
    from scoring.report import ranking_rows, standing

    settings = load_settings()
    rows = ranking_rows(settings, month)
    if json_output:
        as_json(rows)
    else:
        from cli.screens import print_ranking

        print_ranking(month, rows, standing(settings, month))
