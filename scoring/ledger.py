"""A credit ledger: what a company has left of its starting points, violation by violation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from scoring import period as periods
from scoring.ledger_spec import LedgerSpec, ViolationType
from scoring.numbers import plain, text
from scoring.result import ComponentResult, State, Step, UnitInput, Violation
from scoring.scheme import Scheme
from scoring.switches import Choices, unknown

ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """A violation with the points that it costs and what became of it."""

    violation: Violation
    kind: ViolationType
    points: Decimal
    effect: str


@dataclass(frozen=True)
class Balance:
    """`score` is None while the ledger was not delivered; `parts`: points by kind of violation."""

    score: Decimal | None
    state: State
    reason: str | None
    parts: tuple[ComponentResult, ...]
    counted: tuple[Entry, ...]


def balance(scheme: Scheme, unit: UnitInput, period: str, choices: Choices, trace: list[Step]) -> Balance:
    """A company's points at the end of a period.

    Raises `Usage` CH-SCORE-002 for a kind of violation or a reporter that the ledger does not have.
    """
    ledger = scheme.ledger
    assert ledger is not None, "a scheme of method ledger has one"
    if unit.violations is None:
        return Balance(None, "provisional", "违法行为台账未报送", (), ())
    first, after = _window(period, choices)
    entries = [_entry(ledger, item, unit.unit) for item in sorted(unit.violations, key=_order)]
    entries = _merged(ledger, entries, choices)
    entries = [_in_window(entry, first, after) for entry in entries]
    counted = [entry for entry in entries if entry.points]
    trace.append(
        Step("start", f"{first} 起始分", {}, text(ledger.start) or "", scheme.formula, choices.cite("ledger_period"))
    )
    trace += [_told(entry, choices) for entry in entries]
    left = _left(ledger, counted, first, after, choices, trace)
    return Balance(left, "ok", None, _parts(ledger, counted), tuple(counted))


def _window(period: str, choices: Choices) -> tuple[date, date]:
    """The days whose violations count at the end of the period."""
    after = periods.bounds(period)[1]
    last = after - timedelta(days=1)
    if choices["ledger_period"] == "rolling_12_months":
        return (date(after.year - 1, after.month, 1), after)
    return date(last.year, 1, 1), after


def _order(item: Violation) -> tuple[str, str, str, str]:
    return item.at.isoformat(), item.plate, item.type, item.id or ""


def _entry(ledger: LedgerSpec, item: Violation, unit: str) -> Entry:
    kinds = {kind.id: kind for kind in ledger.violations}
    if item.type not in kinds:
        raise unknown("violation", item.type, list(kinds), unit=unit)
    if item.reporter not in {reporter.id for reporter in ledger.reporters}:
        raise unknown("reporter", item.reporter, [reporter.id for reporter in ledger.reporters], unit=unit)
    points = ledger.points[item.type] if item.points is None else item.points
    return Entry(item, kinds[item.type], points, "计入")


def _merged(ledger: LedgerSpec, entries: list[Entry], choices: Choices) -> list[Entry]:
    """Records of one violation count once: the earliest stands for those that follow within the span."""
    way = choices["ledger_merge"]
    if way == "none":
        return entries
    if way == "owner_only":
        return [
            entry if entry.violation.reporter == entry.kind.owner else _dropped(entry, "非主管部门记录，不计")
            for entry in entries
        ]
    kept: dict[tuple[str, str], Violation] = {}
    found: list[Entry] = []
    for entry in entries:
        key = entry.violation.plate, entry.violation.type
        before = kept.get(key)
        if before is not None and _same(ledger, before, entry.violation, way):
            named = before.id or f"{before.at:%m-%d %H:%M} {before.reporter}"
            found.append(_dropped(entry, f"与 {named} 重复，不再计"))
        else:
            kept[key] = entry.violation
            found.append(entry)
    return found


def _same(ledger: LedgerSpec, before: Violation, item: Violation, way: str) -> bool:
    if way == "plate_type_day":
        return before.at.date() == item.at.date()
    return item.at - before.at <= timedelta(minutes=ledger.merge_minutes)


def _dropped(entry: Entry, effect: str) -> Entry:
    return Entry(entry.violation, entry.kind, ZERO, effect)


def _in_window(entry: Entry, first: date, after: date) -> Entry:
    if not entry.points or first <= entry.violation.at.date() < after:
        return entry
    return _dropped(entry, f"不在 {first} 至 {after - timedelta(days=1)} 之内，不计")


def _told(entry: Entry, choices: Choices) -> Step:
    item = entry.violation
    return Step(
        rule=item.type,
        what=f"{entry.kind.title.zh}：{entry.effect}",
        inputs={"id": item.id or "", "plate": item.plate, "at": item.at.isoformat(), "reporter": item.reporter},
        result=text(-entry.points) or "0",
        switch=f"{choices.cite('ledger_period')}，{choices.cite('ledger_merge')}",
    )


def _left(
    ledger: LedgerSpec, counted: list[Entry], first: date, after: date, choices: Choices, trace: list[Step]
) -> Decimal:
    """Start less points; where a switch gives points back, month by month and never over the start."""
    taken: dict[str, Decimal] = {}
    for entry in counted:
        month = f"{entry.violation.at:%Y-%m}"
        taken[month] = taken.get(month, ZERO) + entry.points
    left = ledger.start
    if choices["ledger_period"] != "calendar_year_recovery":
        return plain(left - sum(taken.values(), ZERO))
    month = f"{first:%Y-%m}"
    while periods.bounds(month)[0] < after:
        lost = taken.get(month, ZERO)
        before, left = left, left - lost
        if not lost:
            left = min(ledger.start, left + ledger.recovery_points)
        if left > before:
            trace.append(
                Step("recovery", f"{month} 无违法行为，恢复", {}, text(left - before) or "", None,
                     choices.cite("ledger_period"))
            )  # fmt: skip
        month = f"{periods.bounds(month)[1]:%Y-%m}"
    return plain(left)


def _parts(ledger: LedgerSpec, counted: list[Entry]) -> tuple[ComponentResult, ...]:
    """One line a kind of violation that took points; they add up to what was taken."""
    found: list[ComponentResult] = []
    for kind in ledger.violations:
        mine = [entry.points for entry in counted if entry.kind.id == kind.id]
        if mine:
            taken = plain(sum(mine, ZERO))
            found.append(ComponentResult(kind.id, kind.title.zh, None, Decimal(len(mine)), -taken, "ok"))
    return tuple(found)


def record(scheme: Scheme, unit: UnitInput, period: str, found: Balance, choices: Choices) -> Mapping[str, object]:
    """What is handed over about a company: its points, the line, and the violations that count."""
    rule = next(item for item in scheme.consequences if item.handover is not None)
    assert rule.handover is not None
    return {
        "rule": rule.id,
        "to": rule.handover.to.model_dump(),
        "purpose": rule.handover.purpose.model_dump(),
        "unit": unit.unit,
        "name": unit.name or unit.unit,
        "period": period,
        "score": text(found.score),
        "below": text(next(grade.min for grade in reversed(scheme.grades) if grade.min is not None)),
        "scheme": scheme.scheme,
        "version": scheme.version,
        "switches": choices.by_id(),
        "violations": [
            {
                "id": entry.violation.id,
                "type": entry.kind.id,
                "title": entry.kind.title.zh,
                "plate": entry.violation.plate,
                "at": entry.violation.at.isoformat(),
                "reporter": entry.violation.reporter,
                "points": text(entry.points),
            }
            for entry in found.counted
        ],
    }
