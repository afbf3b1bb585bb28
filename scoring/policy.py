"""The digital-city score (half of the month's score) from indicators, by a policy of our own.

The governing rule takes that score from another rule that is not among the documents; this policy is marked
as ours (`本平台拟定`), and a score given by hand replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from cityhub.spec.source import Model
from scoring.numbers import POINTS, Exact, exact, plain, text
from scoring.result import ComponentResult, State, Step
from scoring.rules import Title
from scoring.scheme import FOLDER, read_model

HUNDRED = Decimal(100)


class Curve(Model):
    """One indicator: full marks at `full_at` or better, none at `zero_at` or worse, linear between."""

    code: str = Field(pattern=r"^[A-Z]{3}-\d\d$")
    platform: str
    weight: Exact
    direction: Literal["higher", "lower"]
    full_at: Exact
    zero_at: Exact
    of: Literal["own", "county"] = Field(
        "own",
        description="own: the unit's value; county: the county's, for the department that owns the platform",
    )
    only_in: Literal["heating"] | None = None
    source: str
    confidence: str

    @model_validator(mode="after")
    def _rises(self) -> Curve:
        rising = self.full_at > self.zero_at
        if self.full_at == self.zero_at or rising != (self.direction == "higher"):
            raise ValueError(f"{self.code}: full_at and zero_at do not fit direction {self.direction}")
        if self.weight <= 0:
            raise ValueError(f"{self.code}: weight must be over 0")
        return self

    def marks(self, value: Decimal) -> Decimal:
        """0 to 100 at twelve places."""
        share = (value - self.zero_at) / (self.full_at - self.zero_at)
        return plain((min(max(share, Decimal(0)), Decimal(1)) * HUNDRED).quantize(POINTS))


class DigitalPolicy(Model):
    """Indicators, weights and curves per league; how gaps are treated."""

    policy: str
    version: str
    title: Title
    ours: Literal[True]
    note: str
    minimum_coverage: Exact = Field(description="least share of weight with a value for a score at all")
    partial: Literal["available_if_minimum", "hold"] = Field(
        description="available_if_minimum: provisional over what is there; hold: no score unless all is there"
    )
    no_denominator: Literal["not_applicable", "missing"] = Field(
        description="an indicator that had nothing to count in the month"
    )
    leagues: dict[str, list[Curve]]

    @model_validator(mode="after")
    def _once(self) -> DigitalPolicy:
        if not 0 < self.minimum_coverage <= 1:
            raise ValueError("minimum_coverage is a share over 0, at most 1")
        for league, curves in self.leagues.items():
            codes = [(curve.code, curve.of) for curve in curves]
            if len(codes) != len(set(codes)):
                raise ValueError(f"league {league}: an indicator stands twice")
        return self


@dataclass(frozen=True)
class Measure:
    """A month's indicator value of a unit, as read."""

    value: Decimal | None
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Score:
    """The digital-city score of a unit with its lines (`digital.SAN-02`); `coverage`: share of weight."""

    value: Decimal | None
    state: State
    reason: str | None
    coverage: Decimal
    lines: tuple[ComponentResult, ...]
    steps: tuple[Step, ...]


@cache
def load(name: str = "digital") -> DigitalPolicy:
    """The policy that ships with the hub."""
    return read_model(DigitalPolicy, FOLDER / f"{name}.yaml")


def score(
    policy: DigitalPolicy,
    league: str,
    *,
    unit: str,
    county: str | None,
    owned: frozenset[str],
    values: Mapping[tuple[str, str], Measure],
    seasons: frozenset[str],
) -> Score:
    """The score of a unit: weighted mean of marks over the indicators that apply to it.

    An indicator does not apply when its platform belongs to another department, out of its season, or (by the
    policy) when it had nothing to count; every one of these is named in the trace. One that applies and has
    no value is missing: under `minimum_coverage` there is no score, above it the score is provisional.
    """
    with exact():
        lines: list[ComponentResult] = []
        apart: dict[str, str] = {}
        for curve in policy.leagues.get(league, []):
            if curve.of == "county" and curve.platform not in owned:
                continue
            if curve.only_in is not None and curve.only_in not in seasons:
                apart[curve.code] = "不在季节"
                continue
            whose = unit if curve.of == "own" else county or ""
            found = values.get((curve.code, whose)) or Measure(None, "missing", "未计算")
            if found.state == "no_denominator" and policy.no_denominator == "not_applicable":
                apart[curve.code] = "本月无分母"
                continue
            lines.append(_line(curve, found, whose))
        return _total(policy, lines, apart)


def _line(curve: Curve, found: Measure, whose: str) -> ComponentResult:
    missing = found.value is None or found.state not in {"ok", "provisional"}
    return ComponentResult(
        component=f"digital.{curve.code}",
        title=curve.code,
        weight=curve.weight,
        value=None if missing or found.value is None else curve.marks(found.value),
        points=None,
        state="missing" if missing else ("ok" if found.state == "ok" else "provisional"),
        source=f"indicator_value {curve.code} {whose}",
        reason=found.reason,
    )


def _total(policy: DigitalPolicy, lines: list[ComponentResult], apart: Mapping[str, str]) -> Score:
    weights = {line.component: line.weight or Decimal(0) for line in lines}
    total = sum(weights.values(), Decimal(0))
    counted = [line for line in lines if line.value is not None]
    missing = [line.title for line in lines if line.value is None]
    there = sum((weights[line.component] for line in counted), Decimal(0))
    coverage = there / total if total else Decimal(0)
    short = coverage < policy.minimum_coverage or (bool(missing) and policy.partial == "hold")
    reasons = []
    if missing:
        reasons.append("缺指标 " + "、".join(missing))
    weak = [line.title for line in counted if line.state != "ok"]
    if weak:
        reasons.append("暂定指标 " + "、".join(weak))
    value = None
    if counted and not short:
        marks = sum((weights[line.component] * (line.value or 0) for line in counted), Decimal(0)) / there
        value = plain(marks.quantize(POINTS))
    elif not lines:
        reasons.append("没有适用的指标")
    else:
        share = format((coverage * HUNDRED).quantize(Decimal("0.1")), "f")
        reasons.append(f"可用指标权重 {share}%，低于 {text(policy.minimum_coverage * HUNDRED)}%，不计分")
    state: State = "missing" if value is None else ("provisional" if missing or weak else "ok")
    inputs = {line.title: f"{text(line.value) or '缺'} × {text(weights[line.component])}" for line in lines}
    step = Step(
        rule=policy.policy,
        what=f"数字城管月度考核得分（本平台拟定，{policy.policy} {policy.version}）：指标得分按权重平均",
        inputs=inputs | dict(apart),
        result=text(value) or "缺",
        clause=policy.note,
    )
    shares = tuple(_with_share(line, weights[line.component], total) for line in lines)
    return Score(value, state, "；".join(reasons) or None, coverage, shares, (step,))


def _with_share(line: ComponentResult, weight: Decimal, total: Decimal) -> ComponentResult:
    """The line with its share of all that applies, at the six places of the table."""
    share = (weight / total).quantize(Decimal("0.000001"))
    return ComponentResult(**{**line.__dict__, "weight": share})
