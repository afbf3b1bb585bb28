"""A scoring scheme as data: components, grades, events, leagues, consequences, switches; read strictly."""

from __future__ import annotations

from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from cityhub.errors import Stop
from cityhub.spec.source import Model
from scoring.numbers import Exact
from scoring.switches import Choices, Switch, choose, unknown

FOLDER = Path(__file__).parent / "schemes"
M = TypeVar("M", bound=Model)


class Title(Model):
    """A name in both languages."""

    zh: str
    en: str


class Source(Model):
    """The document that a rule comes from."""

    file: str
    doc: str
    date: str | None = None


class Scale(Model):
    """Range of a component's score; `stated` tells whether the document says so."""

    min: Exact
    max: Exact
    stated: bool


class Component(Model):
    """A part of the score. With `members` its value is combined from theirs; without, it is given."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Title
    clause: str | None = None
    weight: Exact | None = Field(None, description="share of the parent; none: an equal share")
    combine: Literal["given", "mean", "weighted"] = "given"
    source: Literal["hand", "policy"] = Field("hand", description="policy: computed where nobody gave it by hand")
    members: list[Component] = Field(default_factory=list)
    applies: dict[str, Literal["all", "listed"]] = Field(
        default_factory=dict,
        description="league -> all: every member must be delivered; listed: those that the sheet names",
    )

    @model_validator(mode="after")
    def _whole(self) -> Component:
        if (self.combine == "given") == bool(self.members):
            raise ValueError(f"component {self.id}: members and a way to combine them go together")
        if self.combine == "weighted":
            _sum_to_one(self.id, self.members)
        return self


class Grade(Model):
    """A band `[min, next band's min)`; the last one has no `min`."""

    id: str
    title: Title
    min: Exact | None = None


class Cap(Model):
    """At most so many points of one rule in a month."""

    per: Literal["month"]
    points: Exact


class EventRule(Model):
    """Points added (`bonus`) or taken (`deduction`) per occurrence; by level where the text says so."""

    id: str
    kind: Literal["bonus", "deduction"]
    title: str
    clause: str
    per: str
    points: Exact | dict[str, Exact]
    cap: Cap | None = None
    condition: str | None = None

    @property
    def sign(self) -> int:
        """+1 or -1."""
        return 1 if self.kind == "bonus" else -1


class League(Model):
    """Units that are ranked against one another."""

    id: str
    title: Title
    source: str | None = None


class PlaceTrigger(Model):
    """Fires for the first or the last `places` of a month's ranking."""

    kind: Literal["place"]
    side: Literal["top", "bottom"]
    places: int = Field(ge=1)


class CountTrigger(Model):
    """Fires when the month meets `condition` and so did `times` months, running or in all."""

    kind: Literal["count"]
    condition: Literal["first_and_best_grade", "last_and_failed"]
    times: int = Field(ge=1)
    consecutive: bool = False


class Prize(Model):
    """A prize of the year."""

    title: str
    count: int = Field(ge=1)
    cash_yuan: Exact


class AnnualTrigger(Model):
    """Prizes for the best of the year among units at or over `min_score`."""

    kind: Literal["annual_prizes"]
    min_score: Exact
    prizes: list[Prize]


class HumanTrigger(Model):
    """A judgement of people: listed, never computed."""

    kind: Literal["human"]
    when: str


Trigger = Annotated[PlaceTrigger | CountTrigger | AnnualTrigger | HumanTrigger, Field(discriminator="kind")]


class ConsequenceRule(Model):
    """What follows from a result."""

    id: str
    kind: Literal["reward", "penalty"]
    cadence: Literal["month", "year", "any"]
    trigger: Trigger
    action: list[str]
    by: str | None = None
    clause: str
    cash_yuan: Exact | None = None
    switches: list[str] = Field(default_factory=list)


class Scheme(Model):
    """One declarative scoring policy, versioned."""

    scheme: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str
    title: Title
    method: Literal["weighted"] = "weighted"
    sources: dict[str, Source]
    effective_from: str
    scale: Scale
    formula: str
    components: list[Component] = Field(min_length=1)
    event_component: str = Field(description="the component that event points go to where a switch says so")
    grades: list[Grade] = Field(min_length=1)
    best_grade: str
    pass_min: Exact = Field(description="under it the result is 不合格")
    literal_fail: Exact = Field(description="the ordinary meaning of 不及格")
    events: list[EventRule]
    leagues: list[League]
    small_group: int = Field(4, description="groups with fewer ranked units know only first and last")
    consequences: list[ConsequenceRule]
    switches: list[Switch]

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        _sum_to_one(self.scheme, self.components)
        bounds = [grade.min for grade in self.grades]
        falling = [bound for bound in bounds if bound is not None]
        if bounds[-1] is not None or None in bounds[:-1] or falling != sorted(set(falling), reverse=True):
            raise ValueError("grades: each has a lower `min` than the one before, the last has none")
        for what, names in {
            "components": [item.id for item in self.components],
            "events": [item.id for item in self.events],
            "grades": [item.id for item in self.grades],
            "leagues": [item.id for item in self.leagues],
            "consequences": [item.id for item in self.consequences],
            "switches": [item.id for item in self.switches],
            "switch names": [item.name for item in self.switches],
        }.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: {', '.join(twice)} stands twice")
        if self.best_grade not in {grade.id for grade in self.grades}:
            raise ValueError(f"best_grade {self.best_grade!r} is not a grade")
        if self.event_component not in {item.id for item in self.components}:
            raise ValueError(f"event_component {self.event_component!r} is not a component")
        ids = {switch.id for switch in self.switches}
        for rule in self.consequences:
            for name in rule.switches:
                if name not in ids:
                    raise ValueError(f"consequence {rule.id}: no switch {name}")
        return self

    def component(self, name: str) -> Component:
        """A top-level component; raises `Usage` CH-SCORE-002 that names the unknown id."""
        for item in self.components:
            if item.id == name:
                return item
        raise unknown("component", name, [item.id for item in self.components])

    def event(self, name: str) -> EventRule:
        """An event rule; raises `Usage` CH-SCORE-002."""
        for item in self.events:
            if item.id == name:
                return item
        raise unknown("rule", name, [item.id for item in self.events])

    def league(self, name: str) -> League:
        """A league; raises `Usage` CH-SCORE-002."""
        for item in self.leagues:
            if item.id == name:
                return item
        raise unknown("league", name, [item.id for item in self.leagues])

    def choices(self, wanted: dict[str, str] | None = None) -> Choices:
        """The switches in force, defaults where nothing is said."""
        return choose(self.switches, wanted or {})


def _sum_to_one(where: str, parts: list[Component]) -> None:
    weights = [part.weight for part in parts]
    if any(weight is None or weight <= 0 for weight in weights):
        raise ValueError(f"{where}: every part needs a weight over 0")
    total = sum((weight for weight in weights if weight is not None), Decimal(0))
    if total != 1:
        raise ValueError(f"{where}: weights add up to {total}, not to 1")


@lru_cache(maxsize=8)
def _parsed(text: str) -> object:
    """The YAML of a text; each publication holds the same few files, and parsing one costs 0.2 s."""
    return YAML(typ="safe").load(text)


def read_model(kind: type[M], path: Path) -> M:
    """A strict model from a YAML file; raises `Stop` CH-SCORE-001 with file, field and problem."""
    try:
        return kind.model_validate(_parsed(path.read_text(encoding="utf-8")))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Stop("CH-SCORE-001", file=str(path), field=f"line {line}", problem=error.problem) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "scheme"
        problem = first["msg"].removeprefix("Value error, ")
        raise Stop("CH-SCORE-001", file=str(path), field=field, problem=problem) from None


def read(path: Path) -> Scheme:
    """A scheme file."""
    return read_model(Scheme, path)


@cache
def load(name: str) -> Scheme:
    """The scheme that ships with the hub under that name; raises `Usage` CH-SCORE-002."""
    path = FOLDER / f"{name}.yaml"
    names = sorted(item.stem for item in FOLDER.glob("*.yaml"))
    if name not in names:
        raise unknown("scheme", name, names)
    return read(path)
