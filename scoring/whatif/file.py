"""The inputs file of a trial: JSON or YAML, read strictly; numbers keep every digit that was written."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cityhub.errors import Usage
from cityhub.spec.source import Model


def _exact(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("write numbers as text: a float has no exact value")
    return value


def _written(value: object) -> object:
    if not isinstance(value, str | dt.date):
        raise ValueError("write a moment as 2026-05-03T08:15 (or a date)")
    return value


Number = Annotated[str | int | Decimal | None, BeforeValidator(_exact)]
Moment = Annotated[dt.datetime, BeforeValidator(_written)]


class EventIn(Model):
    """A bonus, a deduction or a flag."""

    rule: str
    level: str | None = None
    count: int = 1
    event_id: str | None = None
    date: dt.date | None = None
    evidence: str | None = None
    note: str | None = None


class ViolationIn(Model):
    """A record of a haulier ledger. Without a reporter it is its owner's own record; without points it costs what
    the price list says."""

    type: str = Field(validation_alias=AliasChoices("type", "rule"))
    plate: str
    at: Moment = Field(validation_alias=AliasChoices("at", "time", "date"))
    reporter: str | None = Field(None, validation_alias=AliasChoices("reporter", "source"))
    id: str | None = Field(None, validation_alias=AliasChoices("id", "event_id"))
    points: Number = None


class Entry(Model):
    """What a unit has for one period: components and events, or a score that is there already."""

    components: dict[str, Number | dict[str, Number]] | None = None
    events: list[EventIn] = Field(default_factory=list)
    score: Number = None
    league: str | None = None

    @property
    def given(self) -> bool:
        """Whether it holds numbers."""
        return self.components is not None or self.score is not None


class Named(Entry):
    """An entry of a list, with its period."""

    period: str = Field(validation_alias=AliasChoices("period", "month", "week"))


Entries = dict[str, Entry | Number] | list[Named]


class UnitIn(Entry):
    """A unit. `months` and `weeks`: its shorter periods; `since`, `until`: first and last day that it is assessed."""

    unit: str
    name: str | None = None
    months: Entries = Field(default_factory=dict)
    weeks: Entries = Field(default_factory=dict)
    violations: list[ViolationIn] | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    persons: int = Field(1, ge=1, description="how many people paid a deposit")
    note: str | None = None


class Case(Model):
    """The file. `config` replaces numbers that the document leaves to configuration."""

    scheme: str | None = None
    period: str
    switches: dict[str, str] = Field(default_factory=dict)
    config: dict[str, Any] = Field(default_factory=dict)
    complete: bool = Field(True, description="false: the period is not over, so results are provisional")
    units: list[UnitIn]
    note: str | None = None


def read(path: Path) -> Case:
    """An inputs file; raises `Usage` CH-SCORE-009 with the field that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Usage("CH-SCORE-009", file=str(path), field="the file", problem=reason) from None
    return parse(text, path.name)


def parse(text: str, name: str = "inputs.json") -> Case:
    """The file's text; a name that ends in .yaml or .yml says that it is YAML."""
    try:
        if name.endswith((".yaml", ".yml")):
            found = YAML(typ="safe").load(text)
        else:
            found = json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
        return Case.model_validate(found)
    except json.JSONDecodeError as error:
        raise Usage("CH-SCORE-009", file=name, field=f"line {error.lineno}", problem=error.msg) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Usage("CH-SCORE-009", file=name, field=f"line {line}", problem=error.problem) from None
    except YAMLError as error:
        raise Usage("CH-SCORE-009", file=name, field="the file", problem=str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Usage("CH-SCORE-009", file=name, field=field, problem=first["msg"]) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two equal keys JSON readers keep the last without a word; a score must not get lost like that."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise Usage("CH-SCORE-009", file="inputs", field=twice, problem=f"{twice} stands twice")
    return found
