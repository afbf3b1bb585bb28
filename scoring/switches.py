"""Switches: every choice that the text of a rule leaves open, by name, with its default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, model_validator

from cityhub.errors import Usage
from cityhub.spec.source import Model

# What the engine does for a scheme that has no switch of that name. The names are what the engine asks for;
# the ids (QA1, ZA1 …) are what the documents and the results cite.
FALLBACK: dict[str, str] = {
    "combine_specials": "mean_applicable",
    "missing_component": "hold",
    "event_points": "after_weighting",
    "clamp": "none",
    "bonus_cap_scope": "rule_only",
    "event_stacking": "highest_per_event",
    "fail_line": "below_pass",
    "penalty_counting": "calendar_year_all",
    "reward_counting": "cumulative_year",
    "ties": "competition_share",
    "groups": "separate",
    "grade_rounding": "unrounded",
    "annual_months": "months_with_score",
    "annual_basis": "adjusted_unrounded",
    "first_place_cash": "monthly",
    "annual_prizes": "as_many_as_qualify",
    "prize_gate": "follow_text",
    "digital_source": "manual_else_policy",
    "late_data": "new_version",
    "event_unit": "count",
    "event_month": "decision_date",
    "repeat_penalties": "from_then_on",
    "input_scale": "hundred",
    "signed_lines": "separate_line",
    "veto_source": "manual_flag",
    "annual_mean": "arithmetic",
    "month_grades": "shown",
    "class_set": "four_only",
    "class_order": "by_id",
    "overall_score": "mean",
    "ledger_period": "calendar_year",
    "ledger_merge": "plate_type_minutes",
    "unset_values": "config_only",
    "quarter_basis": "months",
    "year_basis": "quarters",
    "week_month": "thursday",
    "gaps": "hold",
}


class Switch(Model):
    """One open question of the text. `options` maps each answer to what it means."""

    id: str = Field(pattern=r"^[A-Z]{2}[0-9]+$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    question: str
    options: dict[str, str] = Field(min_length=2)
    default: str
    used_in: str
    severity: str = "medium"
    ours: bool = False

    @model_validator(mode="after")
    def _known(self) -> Switch:
        if self.default not in self.options:
            raise ValueError(f"switch {self.id}: default {self.default!r} is not among its options")
        if self.name not in FALLBACK:
            raise ValueError(f"switch {self.id}: the engine knows no choice named {self.name!r}")
        return self


@dataclass(frozen=True)
class Choices:
    """The switches in force: name → option, and name → id for citations."""

    options: Mapping[str, str]
    ids: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.options.get(name, FALLBACK[name])

    def cite(self, name: str) -> str:
        """`QA2=hold`, as it stands beside a result."""
        return f"{self.ids.get(name, name)}={self[name]}"

    def by_id(self) -> dict[str, str]:
        """id → option, for files and manifests."""
        return {self.ids[name]: self.options[name] for name in self.options}


def choose(switches: list[Switch], wanted: Mapping[str, str]) -> Choices:
    """Defaults overlaid with `wanted` (id or name → option); raises `Usage` CH-SCORE-002 for unknown ones."""
    known = {switch.id: switch for switch in switches} | {switch.name: switch for switch in switches}
    options = {switch.name: switch.default for switch in switches}
    for key, option in wanted.items():
        if key not in known:
            raise unknown("switch", key, [switch.id for switch in switches])
        if option not in known[key].options:
            raise unknown(f"option of switch {known[key].id}", str(option), list(known[key].options))
        options[known[key].name] = option
    return Choices(options, {switch.name: switch.id for switch in switches})


def unknown(kind: str, name: str, there_are: list[str], **place: object) -> Usage:
    """The error for a name that the scheme does not have; says what is close."""
    near = ", ".join(difflib.get_close_matches(name, there_are, 3) or there_are[:12])
    return Usage("CH-SCORE-002", kind=kind, name=name, near=near, **place)
