"""From delivered numbers to the weighted sum. A missing number is never zero unless a switch says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from cityhub.errors import Usage
from scoring.numbers import plain, quotient, text
from scoring.result import ComponentResult, Given, State, Step, UnitInput, Value
from scoring.scheme import Component, Scheme
from scoring.shares import Shares, check, shares
from scoring.switches import Choices

ONE = Decimal(1)


def given(value: Value) -> Given:
    """A bare number or None as a record; a record without a value is missing."""
    found = value if isinstance(value, Given) else Given(value)
    return replace(found, state="missing") if found.value is None else found


@dataclass(frozen=True)
class Weighed:
    """`parts`: components with their members after them. `raw`: the weighted sum, None while it is held. `lines`:
    signed lines beside the sum; `added` is what they add to it."""

    parts: tuple[ComponentResult, ...]
    raw: Decimal | None
    lines: tuple[ComponentResult, ...] = ()
    added: Decimal = Decimal(0)


def weigh(
    scheme: Scheme, unit: UnitInput, choices: Choices, trace: list[Step], extra: Mapping[str, Decimal]
) -> Weighed:
    """All components of a unit with their weights, values and points, and their sum.

    Points are None for members, and for a component that is missing. `extra` is added to components' values
    before they are weighed (event points, where a switch says so).
    """
    check(scheme, unit, choices, trace)
    share = shares(scheme, unit.league, choices)
    tops: list[ComponentResult] = []
    members: dict[str, list[ComponentResult]] = {}
    for component in share.parts:
        value = unit.components.get(component.id)
        if isinstance(value, Mapping) or component.combine == "weighted":
            parts = value if isinstance(value, Mapping) else {}
            result, members[component.id] = _combined(scheme, component, parts, choices, trace, share.in_points)
        else:
            found = given(value)
            reason = None if found.value is not None else found.reason or f"{component.title.zh}未报送"
            result = _result(component, found, reason)
        result = replace(result, weight=share.own[component.id])
        result = _resolved(scheme, result, choices, trace, component)
        tops.append(_with_extra(result, extra.get(component.id), choices, trace))
    base = _base(tops, share.base, choices, trace)
    counted = [_earned(top, top.value, share) for top in tops if top.value is not None]
    held = base is None or (len(counted) < len(tops) and choices["missing_component"] != "renormalise")
    raw = None if held or base is None else quotient(sum(counted, Decimal(0)), base)
    found_parts: list[ComponentResult] = []
    for top in tops:
        own = top.weight or Decimal(0)
        if top.value is not None and base is not None:
            points = quotient(_earned(top, top.value, share), base)
            found_parts.append(replace(top, weight=quotient(own, base), points=points))
        else:
            found_parts.append(top)
        found_parts += members.get(top.component, [])
    lines, added = _lines(scheme, unit, choices, trace)
    return Weighed(tuple(found_parts), None if raw is None else plain(raw + added), lines, added)


def _earned(top: ComponentResult, value: Decimal, share: Shares) -> Decimal:
    return value if share.in_points else (top.weight or Decimal(0)) * value


def _lines(
    scheme: Scheme, unit: UnitInput, choices: Choices, trace: list[Step]
) -> tuple[tuple[ComponentResult, ...], Decimal]:
    """Signed lines: listed beside the score, or added to it where a switch says so."""
    found: list[ComponentResult] = []
    added = Decimal(0)
    for component in scheme.components:
        value = unit.components.get(component.id)
        if not component.line or value is None or isinstance(value, Mapping):
            continue
        line = given(value)
        if line.value is None:
            continue
        if component.max is not None and line.value > component.max:
            problem = f"{component.id} is a signed line and cannot be over {text(component.max)}"
            raise Usage("CH-SCORE-004", problem=problem, unit=unit.unit)
        counts = choices["signed_lines"] == "subtract"
        added += line.value if counts else 0
        trace.append(
            Step(
                rule=component.id,
                what=f"{component.title.zh}：{'计入总分' if counts else '单列，不计入总分'}",
                inputs={component.id: text(line.value) or ""},
                result=text(line.value if counts else Decimal(0)) or "",
                clause=component.clause,
                switch=choices.cite("signed_lines"),
            )
        )
        found.append(replace(_result(component, line, None), points=line.value if counts else None))
    return tuple(found), added


def _with_extra(result: ComponentResult, extra: Decimal | None, choices: Choices, trace: list[Step]) -> ComponentResult:
    if not extra or result.value is None:
        return result
    value = plain(result.value + extra)
    trace.append(
        Step(
            rule="events",
            what=f"加减分计入{result.title}",
            inputs={result.component: text(result.value) or "", "events": text(extra) or ""},
            result=text(value) or "",
            switch=choices.cite("event_points"),
        )
    )
    return replace(result, value=value)


def _result(component: Component, found: Given, reason: str | None) -> ComponentResult:
    return ComponentResult(
        component=component.id,
        title=component.title.zh,
        weight=component.weight,
        value=found.value,
        points=None,
        state=found.state,
        source=found.source,
        reason=reason or found.reason,
    )


def _combined(
    scheme: Scheme,
    component: Component,
    values: Mapping[str, Value],
    choices: Choices,
    trace: list[Step],
    in_points: bool,
) -> tuple[ComponentResult, list[ComponentResult]]:
    way = choices["combine_specials"] if component.combine == "mean" else "weighted"
    wanted = component.members if way == "mean_all" else [m for m in component.members if m.id in values]
    if component.combine == "weighted":
        wanted = component.members
    lines: list[ComponentResult] = []
    for member in wanted:
        found = given(values.get(member.id))
        reason = found.reason if found.value is not None else found.reason or f"{member.title.zh}未报送"
        line = replace(_result(member, found, reason), component=f"{component.id}.{member.id}")
        lines.append(_resolved(scheme, line, choices, trace, member))
    weights = {
        line.component: (member.weight or ONE) if way == "weighted" else ONE
        for member, line in zip(wanted, lines, strict=True)
    }
    counted = [line for line in lines if line.value is not None]
    missing = [line for line in lines if line.value is None]
    # Points that are weighted already have no share to be spread over: one that is missing holds its component.
    held = bool(missing) and (in_points or choices["missing_component"] != "renormalise")
    total = sum((weights[line.component] for line in counted), Decimal(0))
    lines = [replace(line, weight=_share(weights[line.component], total, line, held)) for line in lines]
    if not counted or held:
        whole = len(missing) == len(component.members)
        names = f"全部 {len(missing)} 项" if whole else "、".join(line.title for line in missing)
        reason = f"{component.title.zh}缺项：{names}" if lines else f"{component.title.zh}：没有报送，或没有适用的专项"
        return _result(component, Given(None, "missing"), reason), lines
    if in_points:
        value, mean = sum((line.value or Decimal(0) for line in counted), Decimal(0)), "各项得分相加"
    else:
        value = quotient(sum((weights[line.component] * (line.value or 0) for line in counted), Decimal(0)), total)
        mean = "加权平均" if way == "weighted" else "算术平均"
    trace.append(
        Step(
            rule=component.id,
            what=f"{component.title.zh}：{mean}，{len(counted)} 项",
            inputs={line.title: text(line.value) or "" for line in counted},
            result=text(value) or "",
            clause=component.clause,
            switch=choices.cite("combine_specials" if component.combine == "mean" else "input_scale"),
        )
    )
    weak = [line for line in lines if line.state != "ok"]
    state: State = "provisional" if weak else "ok"
    reason = "；".join(line.reason or f"{line.title}暂定" for line in weak) or None
    sources = "+".join(sorted({line.source for line in counted if line.source})) or None
    return _result(component, Given(value, state, sources, reason), reason), lines


def _share(share: Decimal, total: Decimal, line: ComponentResult, held: bool) -> Decimal | None:
    """A member's share of its parent, at the six places of the table."""
    if held or line.value is None or not total:
        return None
    return (share / total).quantize(Decimal("0.000001"))


def _resolved(
    scheme: Scheme, result: ComponentResult, choices: Choices, trace: list[Step], component: Component
) -> ComponentResult:
    """A missing number under the switch: stays missing, or becomes zero or full marks, said in the trace."""
    policy = choices["missing_component"]
    if result.value is not None or policy in {"hold", "renormalise"}:
        return result
    value = scheme.scale.max if policy == "full" else scheme.scale.min
    trace.append(
        Step(
            rule=result.component,
            what=f"{result.title}缺项，按{'满分' if policy == 'full' else ' 0 分'}计",
            inputs={},
            result=text(value) or "",
            clause=component.clause,
            switch=choices.cite("missing_component"),
        )
    )
    return replace(result, value=value, reason=f"{result.reason}；按{text(value)}分计")


def _base(tops: list[ComponentResult], whole: Decimal, choices: Choices, trace: list[Step]) -> Decimal | None:
    """What the weights are shares of: the whole, or, where a switch says so, the weight of those that are there
    (None when nothing is)."""
    missing = [top for top in tops if top.value is None]
    if not missing or choices["missing_component"] != "renormalise":
        return whole
    base = sum((top.weight or Decimal(0) for top in tops if top.value is not None), Decimal(0))
    if not base:
        return None
    trace.append(
        Step(
            rule="weights",
            what="缺项，其余组成项重新归一：" + "、".join(top.title for top in missing),
            inputs={top.component: text(top.weight) or "" for top in missing},
            result=text(base) or "",
            switch=choices.cite("missing_component"),
        )
    )
    return base
