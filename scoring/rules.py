"""Parts of a scheme file that say what is added, what is marked, and what follows from a result."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cityhub.spec.source import Model
from scoring.numbers import Exact
from scoring.period import Kind


class Title(Model):
    """A name in both languages."""

    zh: str
    en: str


class Cap(Model):
    """At most so many points of one rule in a month."""

    per: Literal["month"]
    points: Exact


class EventRule(Model):
    """Points added (`bonus`) or taken (`deduction`) per occurrence, by level where the text says so; a `flag` is a
    finding of people that has no points and keeps the year from the grade `blocks_grade`."""

    id: str
    kind: Literal["bonus", "deduction", "flag"]
    title: str
    clause: str
    per: str
    points: Exact | dict[str, Exact] | None = None
    cap: Cap | None = None
    condition: str | None = None
    blocks_grade: str | None = None
    component: str | None = Field(None, description="a switch may find it by itself: who lost most points of this")

    @model_validator(mode="after")
    def _points_fit(self) -> EventRule:
        if (self.kind == "flag") != (self.points is None):
            raise ValueError(f"event {self.id}: a bonus or deduction has points, a flag has none")
        if self.blocks_grade is not None and self.kind != "flag":
            raise ValueError(f"event {self.id}: only a flag blocks a grade")
        return self

    @property
    def sign(self) -> int:
        """+1 or -1."""
        return -1 if self.kind == "deduction" else 1


class PlaceTrigger(Model):
    """Fires for the first or the last `places` of a ranking."""

    kind: Literal["place"]
    side: Literal["top", "bottom"]
    places: int = Field(ge=1)


class CountTrigger(Model):
    """Fires when the month meets `condition` and so did `times` months, running or in all."""

    kind: Literal["count"]
    condition: Literal["first_and_best_grade", "last_and_failed"]
    times: int = Field(ge=1)
    consecutive: bool = False


class GradeTrigger(Model):
    """Fires for a result in a grade."""

    kind: Literal["grade"]
    grade: str


class FlagTrigger(Model):
    """Fires for a unit that an event of kind `flag` was recorded for."""

    kind: Literal["flag"]
    event: str


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


class DepositTrigger(Model):
    """What becomes of a deposit: returned with a bonus of so many deposits, or kept where the grade has none."""

    kind: Literal["deposit"]
    amount_yuan: Exact
    factors: dict[str, Exact] = Field(description="league -> share of the amount")
    bonus: dict[str, Exact] = Field(description="grade -> bonus as a multiple of the deposit; no entry: forfeited")


class AmountTrigger(Model):
    """Money by rank, from the scheme's `amounts` of the unit's league."""

    kind: Literal["amount"]


class HumanTrigger(Model):
    """A judgement of people: listed, never computed."""

    kind: Literal["human"]
    when: str


Trigger = Annotated[
    PlaceTrigger
    | CountTrigger
    | GradeTrigger
    | FlagTrigger
    | AnnualTrigger
    | DepositTrigger
    | AmountTrigger
    | HumanTrigger,
    Field(discriminator="kind"),
]


class Handover(Model):
    """Where a result is handed over, and what for."""

    to: Title
    purpose: Title


class ConsequenceRule(Model):
    """What follows from a result. `cadence` any: at every period that the scheme scores."""

    id: str
    kind: Literal["reward", "penalty"]
    cadence: Kind | Literal["any"]
    trigger: Trigger
    action: list[str]
    by: str | None = None
    clause: str
    cash_yuan: Exact | None = None
    handover: Handover | None = None
    switches: list[str] = Field(default_factory=list)


class Rung(Model):
    """Money for the ranks up to `to_rank` that the rung before does not hold."""

    to_rank: int = Field(ge=1)
    cash_yuan: Exact
