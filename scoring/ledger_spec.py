"""A credit ledger as data: what a period starts with, what each violation costs, who reports it."""

from __future__ import annotations

from pydantic import Field, model_validator

from cityhub.spec.source import Model
from scoring.numbers import Exact
from scoring.rules import Title


class Reporter(Model):
    """An authority whose records go into the ledger."""

    id: str
    title: Title
    aliases: list[str] = Field(default_factory=list)


class ViolationType(Model):
    """A kind of violation; `owner` is the authority that answers for it."""

    id: str
    title: Title
    owner: str
    aliases: list[str] = Field(default_factory=list)


class LedgerSpec(Model):
    """Numbers of a ledger. `ours`: the document names none, so these are a proposal."""

    start: Exact
    merge_minutes: int = Field(ge=0, description="two records of one plate and type so close are one violation")
    recovery_points: Exact = Field(description="given back for a month without a violation, where a switch says so")
    reporters: list[Reporter] = Field(min_length=1)
    violations: list[ViolationType] = Field(min_length=1)
    points: dict[str, Exact] = Field(description="violation -> points taken")
    ours: bool = False

    @model_validator(mode="after")
    def _whole(self) -> LedgerSpec:
        ids = [item.id for item in self.violations]
        if sorted(ids) != sorted(self.points):
            raise ValueError("ledger: every violation has points, and nothing else has")
        if any(points <= 0 for points in self.points.values()):
            raise ValueError("ledger: points are taken, write them over 0")
        reporters = {item.id for item in self.reporters}
        for item in self.violations:
            if item.owner not in reporters:
                raise ValueError(f"violation {item.id}: no reporter {item.owner}")
        return self
