"""`cityhub score whatif` and `score compare`: schemes and switches tried on inputs, nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhub.errors import Usage
from cli.output import as_json, guarded, out, table
from cli.scores import Json

if TYPE_CHECKING:
    from scoring.whatif.run import Trial

SchemeName = Annotated[str, typer.Option("--scheme", help="a scheme of the hub, or a scheme file (.yaml)")]
InputsFile = Annotated[Path, typer.Option("--inputs", help="inputs file, JSON or YAML (docs/scoring.md)")]


@guarded
def whatif(
    scheme: SchemeName,
    inputs: InputsFile,
    switch: Annotated[list[str] | None, typer.Option("--switch", help="QA2=zero; over the file's, may repeat")] = None,
    json_output: Json = False,
) -> None:
    """Score an inputs file by a scheme. Needs no warehouse and writes nothing."""
    from scoring.whatif import answer, file, run

    trial = run.run(run.rules(scheme), file.read(inputs), switches_of(switch))
    if json_output:
        as_json(answer.tree(trial))
    else:
        _print(trial)


def switches_of(given: list[str] | None) -> dict[str, str]:
    """`QA2=zero` as a mapping."""
    found: dict[str, str] = {}
    for item in given or []:
        name, sign, option = item.partition("=")
        if not sign:
            raise Usage("CH-RUN-003", option="--switch", detail=f"{item!r} is not ID=OPTION", command="score")
        found[name.strip()] = option.strip()
    return found


def _print(trial: Trial) -> None:
    rows = [
        (
            result.league,
            result.rank,
            result.name or result.unit,
            result.shown,
            result.grade_zh,
            result.state,
            " ".join(item.rule for item in result.consequences),
            result.money_yuan,
            result.reason,
        )
        for result in trial.results
    ]
    columns = ("league", "rank", "unit", "score", "grade", "state", "consequences", "yuan", "reason")
    table(f"{trial.scheme.title.zh} {trial.period}", columns, rows)
    if trial.scheme.ranking == "each":
        table(
            "by component",
            ("component", "rank", "unit", "value"),
            [
                (part.title, part.place.rank, result.name or result.unit, part.value)
                for result in trial.results
                for part in result.components
                if part.place is not None
            ],
        )
    for name, option in trial.choices.by_id().items():
        out.print(f"{name}={option}", markup=False)
