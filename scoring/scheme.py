"""A scoring scheme as data: components, grades, events, leagues, consequences, switches; read strictly."""

from __future__ import annotations

from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from cityhub.errors import Stop
from cityhub.spec.source import Model
from scoring.ledger_spec import LedgerSpec
from scoring.numbers import Exact
from scoring.period import Kind
from scoring.rules import ConsequenceRule, EventRule, GradeTrigger, Rung, Title
from scoring.switches import Choices, Switch, choose, unknown

FOLDER = Path(__file__).parent / "schemes"
M = TypeVar("M", bound=Model)


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
    aliases: list[str] = Field(default_factory=list, description="other names that an inputs file may use")
    clause: str | None = None
    weight: Exact | None = Field(None, description="share of the parent; none: an equal share")
    combine: Literal["given", "mean", "weighted"] = "given"
    source: Literal["hand", "policy"] = Field("hand", description="policy: computed where nobody gave it by hand")
    line: bool = Field(False, description="a signed line beside the weighted parts")
    max: Exact | None = Field(None, description="a number over this is refused")
    leagues: list[str] = Field(default_factory=list, description="only for these; none: for all")
    when: dict[str, str] = Field(default_factory=dict, description="switch name -> option that it is there with")
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
            sum_to_one(self.id, [member.weight for member in self.members])
        if self.line and (self.members or self.weight is not None):
            raise ValueError(f"component {self.id}: a line has neither weight nor members")
        return self


class Grade(Model):
    """A band `[min, next band's min)`; the last one has no `min`."""

    id: str
    title: Title
    min: Exact | None = None


class League(Model):
    """Units that are ranked against one another."""

    id: str
    title: Title
    aliases: list[str] = Field(default_factory=list, description="other names that an inputs file may use")
    source: str | None = None


class Major(Model):
    """A major category of what is inspected."""

    id: str
    title: Title


class Catalogue(Model):
    """What is looked at on site: major categories by name, and how many categories and items stand under them."""

    majors: list[Major] = Field(min_length=1)
    minor_count: int = Field(ge=1)
    item_count: int = Field(ge=1)


class Scheme(Model):
    """One declarative scoring policy, versioned."""

    scheme: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str
    title: Title
    method: Literal["weighted", "ledger"] = "weighted"
    cadences: tuple[Kind, ...] = Field(("month", "year"), min_length=1)
    roll_up: Literal["year_of_months", "weeks", "none"] = "year_of_months"
    ranking: Literal["total", "each"] = Field("total", description="each: every component has a ranking of its own")
    sources: dict[str, Source]
    effective_from: str
    scale: Scale
    formula: str
    rank_clause: str | None = None
    grade_clause: str | None = None
    annual_clause: str | None = None
    catalogue: Catalogue | None = None
    components: list[Component] = Field(default_factory=list)
    weights: dict[str, dict[str, Exact]] = Field(
        default_factory=dict, description="league -> component -> share, where the weights differ by league"
    )
    orders: dict[str, list[str]] = Field(
        default_factory=dict, description="option of `class_order` -> components in that order"
    )
    ledger: LedgerSpec | None = None
    event_component: str | None = Field(
        None, description="the component that event points go to where a switch says so"
    )
    grades: list[Grade] = Field(default_factory=list)
    best_grade: str | None = None
    pass_min: Exact | None = Field(None, description="under it the result is 不合格")
    literal_fail: Exact | None = Field(None, description="the ordinary meaning of 不及格")
    events: list[EventRule] = Field(default_factory=list)
    leagues: list[League] = Field(min_length=1)
    small_group: int = Field(4, description="groups with fewer ranked units know only first and last")
    amounts: dict[str, list[Rung]] = Field(default_factory=dict, description="league -> money by rank of the year")
    consequences: list[ConsequenceRule] = Field(default_factory=list)
    configurable: list[Literal["weights", "grades", "amounts", "ledger"]] = Field(
        default_factory=list, description="sections that the document leaves to configuration"
    )
    switches: list[Switch]

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        consistent(self)
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


def sum_to_one(where: str, weights: list[Decimal | None]) -> None:
    """Raises ValueError unless every part has a weight over 0 and they add up to 1."""
    if any(weight is None or weight <= 0 for weight in weights):
        raise ValueError(f"{where}: every part needs a weight over 0")
    total = sum((weight for weight in weights if weight is not None), Decimal(0))
    if total != 1:
        raise ValueError(f"{where}: weights add up to {total}, not to 1")


def consistent(scheme: Scheme) -> None:
    """Raises ValueError for a scheme whose parts contradict one another."""
    if (scheme.method == "ledger") == bool(scheme.components) or (scheme.method == "ledger") == (scheme.ledger is None):
        raise ValueError("a ledger has a `ledger`, every other scheme has `components`")
    _names(scheme)
    _weights(scheme)
    bounds = [grade.min for grade in scheme.grades]
    falling = [bound for bound in bounds if bound is not None]
    if bounds and (bounds[-1] is not None or None in bounds[:-1] or falling != sorted(set(falling), reverse=True)):
        raise ValueError("grades: each has a lower `min` than the one before, the last has none")
    grades = {grade.id for grade in scheme.grades}
    named = [scheme.best_grade, *(rule.blocks_grade for rule in scheme.events)]
    named += [rule.trigger.grade for rule in scheme.consequences if isinstance(rule.trigger, GradeTrigger)]
    for name in named:
        if name is not None and name not in grades:
            raise ValueError(f"{name!r} is not a grade")
    if scheme.event_component is not None and scheme.event_component not in {item.id for item in scheme.components}:
        raise ValueError(f"event_component {scheme.event_component!r} is not a component")
    ids = {switch.id for switch in scheme.switches}
    for rule in scheme.consequences:
        for name in rule.switches:
            if name not in ids:
                raise ValueError(f"consequence {rule.id}: no switch {name}")


def _names(scheme: Scheme) -> None:
    for what, names in {
        "components": [item.id for item in scheme.components],
        "events": [item.id for item in scheme.events],
        "grades": [item.id for item in scheme.grades],
        "leagues": [item.id for item in scheme.leagues],
        "consequences": [item.id for item in scheme.consequences],
        "switches": [item.id for item in scheme.switches],
        "switch names": [item.name for item in scheme.switches],
    }.items():
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{what}: {', '.join(twice)} stands twice")


def _weights(scheme: Scheme) -> None:
    """Weights stand at the components, or by league, or nowhere (equal shares)."""
    parts = [item for item in scheme.components if not item.line]
    known = {item.id for item in parts}
    for league, shares in scheme.weights.items():
        if league not in {item.id for item in scheme.leagues}:
            raise ValueError(f"weights: no league {league}")
        for name in shares:
            if name not in known:
                raise ValueError(f"weights of {league}: no component {name}")
        sum_to_one(f"weights of {league}", list(shares.values()))
    own = [item.weight for item in parts]
    if scheme.weights:
        without = [item.id for item in scheme.leagues if item.id not in scheme.weights]
        if without:
            raise ValueError(f"weights: none for {', '.join(without)}")
        if any(weight is not None for weight in own):
            raise ValueError("weights stand at the components or by league, not both")
    elif any(weight is not None for weight in own):
        sum_to_one(scheme.scheme, own)


@lru_cache(maxsize=16)
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


def names() -> list[str]:
    """The schemes that ship with the hub; other policies in the folder are not among them."""
    return sorted(item.stem for item in FOLDER.glob("*.yaml") if "scheme" in _top(item))


def _top(path: Path) -> set[str]:
    found = _parsed(path.read_text(encoding="utf-8"))
    return {str(key) for key in found} if isinstance(found, dict) else set()


@cache
def load(name: str) -> Scheme:
    """The scheme that ships with the hub under that name; raises `Usage` CH-SCORE-002."""
    path = FOLDER / f"{name}.yaml"
    if not name.replace("-", "").isalnum() or not path.is_file():
        raise unknown("scheme", name, names())
    return read(path)
