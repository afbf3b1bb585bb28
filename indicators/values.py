"""From sums to stored values: the value, its state and the reason. Pure; invariant 5 lives here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from indicators.definitions import Definition
from indicators.delivered import Standing
from indicators.run import Sums, exact

ADDITIVE_KINDS = frozenset({"sum", "count"})


@dataclass(frozen=True)
class Value:
    """One row of `indicator_value`, without `as_of`."""

    code: str
    unit_code: str
    period_kind: str
    period: str
    numerator: float | None
    denominator: float | None
    value: float | None
    n_expected: int | None
    n_valid: int | None
    coverage: float | None
    state: str
    reason: str | None
    quarantined: int
    definition_sha256: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes the row the same row."""
        return self.code, self.unit_code, self.period_kind, self.period


def quotient(definition: Definition, numerator: float | None, denominator: float | None) -> float | None:
    """The value by the definition's kind; None where there is nothing to divide by. Decibels come from sums
    of 10^(0.1 dB), so they are averaged as energy."""
    if numerator is None:
        return None
    if definition.kind in ADDITIVE_KINDS:
        return exact(definition.scale * numerator)
    if not denominator:
        return None
    if definition.kind == "energy_mean":
        return exact(10 * math.log10(numerator / denominator)) if numerator > 0 else None
    return exact(definition.scale * numerator / denominator)


def settle(definition: Definition, unit: str, kind: str, name: str, *, sums: Sums | None, standing: Standing) -> Value:
    """The row to store. `missing` when the feeds did not deliver, `no_denominator` when there was nothing to
    count, `provisional` with its reasons, else `ok`."""

    def row(state: str, reason: str | None, found: Sums, value: float | None, coverage: float | None) -> Value:
        return Value(
            definition.code, unit, kind, name, found.numerator, found.denominator, value,
            found.n_expected, found.n_valid, coverage, state, reason, standing.quarantined, definition.sha256,
        )  # fmt: skip

    if standing.missing:
        return row("missing", standing.missing, Sums(n_valid=0), None, 0.0)
    if sums is None:
        zero = definition.kind in ADDITIVE_KINDS and definition.absent == "zero"
        sums = Sums(numerator=0.0) if zero else Sums()
    seen = None if not sums.n_expected else min((sums.n_valid or 0) / sums.n_expected, 1.0)
    coverage = exact(seen if standing.coverage is None else standing.coverage)
    value = quotient(definition, sums.numerator, sums.denominator)
    reasons = [standing.provisional] if standing.provisional else []
    if seen is not None and seen < definition.min_coverage:
        reasons.append(f"{sums.n_valid or 0} of {sums.n_expected} valid, under {definition.min_coverage:.0%}")
    if value is None:
        return row("no_denominator", "; ".join(["nothing to count", *reasons]), sums, None, coverage)
    return row("provisional" if reasons else "ok", "; ".join(reasons) or None, sums, value, coverage)


def carry(value: Value | None, missing: Value, standing: Standing) -> Value:
    """The value of an earlier day in place of a missing one: marked, and only where that day had one."""
    if value is None or value.value is None:
        return missing
    return replace(
        value, period=missing.period, state="provisional", reason=standing.provisional, quarantined=standing.quarantined
    )
