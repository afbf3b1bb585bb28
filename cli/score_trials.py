"""`cityhub score whatif` and `score compare`: schemes and switches tried on inputs, nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhub.errors import Usage
from cli.output import as_json, guarded, out, parse_month, table
from cli.scores import Json

if TYPE_CHECKING:
    from scoring.compare import Tree
    from scoring.scheme import Scheme
    from scoring.whatif.run import Trial

SchemeName = Annotated[str, typer.Option("--scheme", help="a scheme of the hub, or a scheme file (.yaml)")]
InputsFile = Annotated[Path, typer.Option("--inputs", help="inputs file, JSON or YAML (docs/scoring.md)")]


@guarded
def whatif(
    scheme: SchemeName,
    inputs: InputsFile,
    switch: Annotated[list[str] | None, typer.Option("--switch", help="QA2=zero; over the file's, may repeat")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="print every step of this unit instead")] = None,
    json_output: Json = False,
) -> None:
    """Score an inputs file by a scheme. Needs no warehouse and writes nothing."""
    from scoring.whatif import answer, file, run

    trial = run.run(run.rules(scheme), file.read(inputs), switches_of(switch))
    if json_output:
        as_json(answer.tree(trial, unit))
    elif unit is not None:
        out.print("\n".join(answer.lines(trial, unit)), markup=False)
    else:
        _print(trial)


@guarded
def compare(
    month: Annotated[str | None, typer.Argument(help="YYYY-MM of the warehouse; or give --inputs")] = None,
    scheme: Annotated[
        str, typer.Option("--scheme", help="a scheme of the hub, or a scheme file (.yaml)")
    ] = "qi-county",
    other_scheme: Annotated[
        str | None, typer.Option("--other-scheme", help="the other side's; default the same")
    ] = None,
    inputs: Annotated[Path | None, typer.Option("--inputs", help="inputs file, JSON or YAML")] = None,
    other_inputs: Annotated[
        Path | None, typer.Option("--other-inputs", help="the other side's; default the same")
    ] = None,
    switch: Annotated[list[str] | None, typer.Option("--switch", help="QA2=zero, may repeat")] = None,
    other_switch: Annotated[list[str] | None, typer.Option("--other-switch", help="the other side's")] = None,
    json_output: Json = False,
) -> None:
    """Two schemes or two sets of switches on the same inputs or month: what differs, unit by unit. Writes nothing."""
    from scoring.whatif import run

    if (month is None) == (inputs is None):
        raise Usage(
            "CH-RUN-003", option="month", detail="give a month or --inputs, one of them", command="score compare"
        )
    rules = run.rules(scheme), run.rules(other_scheme or scheme)
    switches = switches_of(switch), switches_of(other_switch)
    if month is not None:
        found = _of_month(month, rules, switches)
    else:
        assert inputs is not None
        found = _of_files((inputs, other_inputs or inputs), rules, switches)
    if json_output:
        as_json(found)
    else:
        _print_differences(found)


def _of_month(month: str, rules: tuple[Scheme, Scheme], switches: tuple[dict[str, str], dict[str, str]]) -> Tree:
    from cityhub.clock import yesterday
    from cityhub.settings import load as load_settings
    from scoring.month import compare_month

    sides = (rules[0], switches[0]), (rules[1], switches[1])
    return compare_month(load_settings(), parse_month(month, "score compare"), yesterday(), sides)


def _of_files(
    paths: tuple[Path, Path], rules: tuple[Scheme, Scheme], switches: tuple[dict[str, str], dict[str, str]]
) -> Tree:
    from scoring.compare import compare as of_sides
    from scoring.whatif import file, run

    sides = []
    for path, scheme, options in zip(paths, rules, switches, strict=True):
        case = file.read(path)
        if paths[0] == paths[1]:
            case = case.model_copy(update={"scheme": None})  # one file for two schemes names only one of them
        sides.append(run.run(scheme, case, options).side())
    return of_sides(sides[0], sides[1])


def _print_differences(found: Tree) -> None:
    for name, options in found["switches"].items():
        out.print(f"{name}: {options['a'] or '–'} → {options['b'] or '–'}", markup=False)
    rows = [
        (
            unit["name"],
            _both(unit, "score"),
            unit["score_change"],
            _both(unit, "grade"),
            _both(unit, "rank"),
            " ".join([*(f"-{rule}" for rule in unit["consequences_gone"]),
                      *(f"+{rule}" for rule in unit["consequences_new"])]),
            unit["money_change"],
            " ".join(part["component"] for part in unit["components"]),
        )
        for unit in found["units"]
    ]  # fmt: skip
    columns = ("unit", "score", "change", "grade", "rank", "consequences", "yuan", "components that differ")
    sides = " → ".join(f"{found[side]['scheme']} {found[side]['version']}" for side in "ab")
    table(f"{sides}, {found['b']['period']}: {found['changed']} of {len(rows)} units differ", columns, rows)


def _both(unit: Tree, key: str) -> str:
    a, b = ((unit[side] or {}).get(key) for side in "ab")
    return f"{'–' if a is None else a}" + ("" if a == b else f" → {'–' if b is None else b}")


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
