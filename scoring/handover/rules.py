"""What must hold in rows: required columns, unique keys, known names, values that follow from their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from cityhub.personal import ID_CARD, MOBILE
from scoring.handover import formula
from scoring.handover.contract import PERIODS, VALUELESS, Dataset, contract, inside, well_formed
from scoring.handover.finding import shown
from scoring.handover.read import Content, Row

LISTED = 12


def columns(content: Content, dataset: Dataset) -> None:
    """Required columns, known values, numbers that cannot be negative, personal numbers in texts."""
    for number, row in enumerate(content.rows, 1):
        for name, value in row.items():
            column = dataset.fields[name]
            if value is None:
                if column.required and name not in content.broken and (number, name) not in content.bad:
                    content.found("is empty", f"{column.en}: it is required", number, name)
            elif column.values and value not in column.values:
                content.found("is not known", f"one of {', '.join(column.values)}", number, name, value)
            elif column.type == "integer" and value < 0:
                content.found("is negative", "a number of records is 0 or more", number, name, value)
            elif column.type == "text" and (ID_CARD.search(value) or MOBILE.search(value)):
                content.found("looks like a personal number", "hand over no personal data", number, name, value)


def keys(content: Content, dataset: Dataset) -> None:
    """No two rows have the same key."""
    if content.broken.intersection(dataset.key):
        return
    first: dict[tuple[Any, ...], int] = {}
    for number, row in enumerate(content.rows, 1):
        key = tuple(row[name] for name in dataset.key)
        if None in key:
            continue
        if key in first:
            content.found(
                f"stands in row {first[key]} too",
                f"one row for each {', '.join(dataset.key)}",
                number,
                ", ".join(dataset.key),
                " ".join(str(part) for part in key),
            )
        first.setdefault(key, number)


def indicators(content: Content) -> None:
    """Shares are shares, and factors are there."""
    for number, row in enumerate(content.rows, 1):
        share = row.get("min_coverage")
        if share is not None and not 0 <= share <= 1:
            content.found("is no share", "from 0 to 1", number, "min_coverage", share)
        if row.get("scale") == 0:
            content.found("is zero", "the factor that makes the value, 1 where there is none", number, "scale", "0")


def units(content: Content) -> None:
    """A unit is valid from before it ends."""
    for number, row in enumerate(content.rows, 1):
        start, end = row.get("valid_from"), row.get("valid_to")
        if start is not None and end is not None and start >= end:
            content.found(
                f"is not after valid_from {start}", "the first day on which the unit is no longer assessed",
                number, "valid_to", end,
            )  # fmt: skip


Known = Mapping[str, Row] | None


def values(content: Content, definitions: Known, places: Known, period: str | None) -> None:
    """Each value: period, names, state, coverage, and that it is what its parts make. `definitions` by code and
    `places` by unit code, None where the dataset could not be read; `period`: what the folder is for, if known."""
    for number, row in enumerate(content.rows, 1):
        for field, value, problem, fix in _of_value(row, definitions, places, period):
            if field not in content.broken and (number, field) not in content.bad:
                content.found(problem, fix, number, field, value)


Told = tuple[str, Any, str, str]


def _of_value(row: Row, definitions: Known, places: Known, period: str | None) -> Iterator[Told]:
    code, unit = row.get("code"), row.get("unit_code")
    definition = definitions.get(code) if definitions and code else None
    place = places.get(unit) if places and unit else None
    if definitions is not None and code is not None and definition is None:
        yield "code", code, "is not in the dataset indicator", "hand over the definition of every value"
    if places is not None and unit is not None and place is None:
        yield "unit_code", unit, "is not in the dataset unit", "hand over every unit that has a value"
    if place is not None and row.get("unit_type") not in {None, place.get("unit_type")}:
        told = f"is {place.get('unit_type')} in the dataset unit"
        yield "unit_type", row["unit_type"], told, "say the same in both"
    yield from _period(row, period)
    yield from _state(row)
    share = row.get("coverage")
    if share is not None and not 0 <= share <= 1:
        yield "coverage", share, "is no share", "n_valid / n_expected, from 0 to 1"
    if row.get("value") is not None and definition is not None:
        yield from _formula(row, definition)


def _period(row: Row, whole: str | None) -> Iterator[Told]:
    kind, name = row.get("period_kind"), row.get("period")
    if kind not in PERIODS or name is None:
        return
    if not well_formed(kind, name):
        yield "period", name, f"is no {kind}", "2026-11-20T08, 2026-11-20, 2026-11, 2026-Q4 or 2026"
    elif whole is not None and not inside(name, whole):
        yield "period", name, f"lies outside {whole}", "hand over the values of the manifest's period alone"


def _state(row: Row) -> Iterator[Told]:
    state, value, reason = row.get("state"), row.get("value"), row.get("reason")
    if state in VALUELESS and value is not None:
        yield "value", value, f"stands beside the state {state}", "leave it empty: a missing value is no number"
    if state in {"ok", "provisional"} and value is None:
        yield "value", None, f"is empty beside the state {state}", "give the value, or say missing or no_denominator"
    if state in {*VALUELESS, "provisional"} and reason is None:
        yield "reason", None, f"is empty beside the state {state}", "say why"


def _formula(row: Row, definition: Row) -> Iterator[Told]:
    kind, scale, value = definition.get("kind"), definition.get("scale"), row["value"]
    if scale is None or kind is None:
        return
    numerator, denominator = row.get("numerator"), row.get("denominator")
    if numerator is None:
        yield "numerator", None, "is empty beside a value", "give the parts of the value"
        return
    made: Decimal | None = formula.value(kind, scale, numerator, denominator)
    if made is None:
        yield "denominator", denominator, "makes no value", "no value without denominator: state no_denominator"
    elif not formula.near(made, value, contract().tolerance):
        told = (
            f"is not what numerator {shown(numerator)}, denominator {shown(denominator)} and scale {shown(scale)} give"
        )
        yield "value", value, told, f"{made:.{LISTED}g}"
