"""`cityhub why` and `why-changed`: why a figure is what it is, and why it is not what it was."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cityhub.clock import month_of, yesterday
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, parse_month

Json = Annotated[bool, typer.Option("--json", help="print JSON")]


class Language(StrEnum):
    """Languages of the sentences."""

    zh = "zh"
    en = "en"


@guarded
def why_changed(
    unit: str,
    code: Annotated[str, typer.Argument(help="an indicator's code, or score")] = "score",
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default: that of yesterday")] = None,
    period: Annotated[str | None, typer.Option(help="a day, YYYY-MM-DD, of an indicator")] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="publication number, date, now or snapshot:N; default: the one before")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="likewise; default: the newest publication")] = None,
    rows: Annotated[int, typer.Option(min=0, help="rows listed of each table; totals count all")] = 20,
    json_output: Json = False,
) -> None:
    """Why a unit's score or indicator is not what it was: down to rows, loads and files. UNIT: code or Chinese name."""
    from scoring.why.answer import why_changed as answer
    from scoring.why.say import lines, sentence

    day = parse_day(period, "why-changed")
    of = day.isoformat() if day else parse_month(month or month_of(yesterday()), "why-changed")
    asked = None if code == "score" else code
    tree = answer(load_settings(), unit, asked, of, first=first, last=last, limit=rows)
    if json_output:
        as_json({"sentence": sentence(tree)} | tree)
    else:
        out.print("\n".join([sentence(tree), *lines(tree)]), markup=False)


@guarded
def why(
    code: Annotated[str, typer.Argument(metavar="INDICATOR", help="an indicator's code or title")],
    unit: Annotated[str, typer.Argument(help="code or Chinese name; what rows name: road:R1, company:…")],
    period: Annotated[
        str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, -MM, -W47, -Q4, YYYY, 2026-2027, YYYY-MM-DDTHH")
    ],
    lang: Annotated[Language, typer.Option(help="language of the sentences")] = Language.en,
    json_output: Json = False,
) -> None:
    """Why an indicator has its value, or none: a chain of sentences down to feeds, checks, refused rows and bytes."""
    from indicators.why.answer import why as answer

    found = answer(load_settings(), code, unit, period)
    if json_output:
        as_json(found.as_dict())
    else:
        out.print("\n".join(found.lines(lang.value)), markup=False)
