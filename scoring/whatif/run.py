"""One trial: the inputs file under a scheme, its results, and what was in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cityhub.errors import Usage
from scoring import period as periods
from scoring import scheme as schemes
from scoring.compare import Side
from scoring.engine import compute
from scoring.result import Inputs, UnitResult
from scoring.scheme import Scheme
from scoring.switches import Choices, unknown
from scoring.whatif import rollup, units, year
from scoring.whatif.file import Case


@dataclass(frozen=True)
class Trial:
    """`results` of the period; `parts`: shorter periods that they were made from, in order."""

    scheme: Scheme
    period: str
    choices: Choices
    results: tuple[UnitResult, ...]
    parts: Mapping[str, tuple[UnitResult, ...]] = field(default_factory=dict)

    def side(self) -> Side:
        """For a comparison."""
        return Side(self.scheme, self.choices, self.period, self.results)


def rules(name: str) -> Scheme:
    """A scheme that ships with the hub, or one in a YAML file."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise unknown("scheme file", name, schemes.names())
        return schemes.read(path)
    return schemes.load(name)


def run(scheme: Scheme, case: Case, switches: Mapping[str, str] | None = None) -> Trial:
    """The results of a file. `switches` go over those of the file.

    Raises `Usage`: CH-SCORE-002 for an id that the scheme does not have, CH-SCORE-003 for what is no number,
    CH-SCORE-004 for inputs that contradict one another, CH-SCORE-008 for what is no period.
    """
    if case.scheme is not None and case.scheme != scheme.scheme:
        raise Usage("CH-SCORE-004", problem=f"the file is for scheme {case.scheme}, not for {scheme.scheme}")
    scheme = configured(scheme, case.config)
    choices = scheme.choices(by_name(scheme, case.switches) | by_name(scheme, switches or {}))
    kind = periods.kind(case.period)
    if kind not in scheme.cadences:
        problem = f"{scheme.scheme} scores {', '.join(scheme.cadences)}, not a {kind} ({case.period})"
        raise Usage("CH-SCORE-004", problem=problem)
    _nothing_unread(scheme, case)
    if scheme.roll_up == "weeks":
        results, parts = rollup.run(scheme, case, choices)
    elif scheme.roll_up == "none":
        results, parts = _alone(scheme, case, choices), {}
    elif kind == "year":
        results, parts = year.of_year(scheme, case, choices)
    else:
        results, parts = year.of_month(scheme, case, choices)
    return Trial(scheme, case.period, choices, results, parts)


def _nothing_unread(scheme: Scheme, case: Case) -> None:
    """What a scheme does not read is refused: it would look as if it had counted."""
    rolled = {"none": (), "year_of_months": ("months",), "weeks": ("months", "weeks", "since", "until")}[scheme.roll_up]
    for unit in case.units:
        for name in ("months", "weeks", "since", "until"):
            if getattr(unit, name) and name not in rolled:
                raise Usage("CH-SCORE-004", problem=f"scheme {scheme.scheme} reads no {name}", unit=unit.unit)


def by_name(scheme: Scheme, switches: Mapping[str, str]) -> dict[str, str]:
    """Switches by name, whether id or name was written, so that one goes over the other; unknown ones stay."""
    ids = {switch.id: switch.name for switch in scheme.switches}
    return {ids.get(key, key): option for key, option in switches.items()}


def configured(scheme: Scheme, config: Mapping[str, Any]) -> Scheme:
    """The scheme with numbers of the file in those sections that its document leaves to configuration."""
    if not config:
        return scheme
    content = scheme.model_dump()
    for name, value in config.items():
        if name not in scheme.configurable:
            raise unknown("configurable section", name, list(scheme.configurable) or ["(none)"])
        content[name] = _over(content[name], value)
    try:
        return Scheme.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "config"
        raise Usage("CH-SCORE-009", field=f"config: {where}", file="inputs", problem=first["msg"]) from None


def _over(old: Any, new: Any) -> Any:
    """A section with the file's entries over its own; the price list of a ledger is changed entry by entry too."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return old | {key: _over(old.get(key), value) if key == "points" else value for key, value in new.items()}


def _alone(scheme: Scheme, case: Case, choices: Choices) -> tuple[UnitResult, ...]:
    """Every unit from its own entry."""
    made = tuple(units.unit_input(scheme, unit, unit, choices) for unit in case.units)
    inputs = Inputs(case.period, made, dict(choices.options), case.complete)
    return tuple(compute(scheme, inputs))
