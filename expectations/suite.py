"""A feed spec as a great-expectations suite: the checks it names, and those that every feed gets."""

from __future__ import annotations

from datetime import date
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe

from cityhub.clock import day_bounds
from cityhub.spec.feed import Check, FeedSpec
from expectations.counted import UnexpectedRowsCount
from warehouse.names import identifier, identifiers, literal


def batch_query(spec: FeedSpec, day: date) -> str:
    """The rows to check: those of the service day; of a register, which has no day of its own, all."""
    everything = f"SELECT * FROM {identifier(spec.table)}"
    return everything if is_register(spec) else f"{everything} WHERE service_day = DATE {literal(day.isoformat())}"


def is_register(spec: FeedSpec) -> bool:
    """True for a feed whose rows belong to no day: it delivers its whole content each time."""
    return spec.identity.day_from is None


def build(spec: FeedSpec, day: date) -> gx.ExpectationSuite:
    """The suite of a feed's day; each expectation carries `check_id`, `kind` and a note in its meta."""
    expectations: list[Any] = []
    taken: dict[str, int] = {}
    least = spec.arrives.min_rows

    def add(make: Any, name: str, kind: str, severity: str, note: str | None = None, **kwargs: Any) -> None:
        taken[name] = taken.get(name, 0) + 1
        check_id = name if taken[name] == 1 else f"{name}.{taken[name]}"
        meta = {"check_id": check_id, "kind": kind, "note": note}
        expectations.append(make(severity=severity, meta=meta, **kwargs))

    counted = any(check.check == "row_count" and (check.min or 0) >= least for check in spec.checks)
    if least and not counted:
        add(gxe.ExpectTableRowCountToBeBetween, "min_rows", "row_count", "critical", min_value=least)
    add(UnexpectedRowsCount, "required", "not_null", "critical", unexpected_rows_query=_empty(spec))
    add(UnexpectedRowsCount, "key_unique", "unique", "critical", unexpected_rows_query=_repeated(spec))
    if not is_register(spec):
        add(UnexpectedRowsCount, "service_day", "sql", "critical", unexpected_rows_query=_other_day(spec, day))
    for check in spec.checks:
        make, kwargs = _of(check)
        name = f"{check.check}.{check.column}" if check.column else check.check
        add(make, name, check.check, check.severity, check.note, **kwargs)
    return gx.ExpectationSuite(name=spec.feed, expectations=expectations)


def _of(check: Check) -> tuple[Any, dict[str, Any]]:
    """The expectation and its arguments for a check of the spec."""
    column = {"column": check.column}
    between = {"min_value": check.min, "max_value": check.max}
    whole = {key: None if value is None else int(value) for key, value in between.items()}
    share = {"mostly": check.mostly}
    made: dict[str, tuple[Any, dict[str, Any]]] = {
        "row_count": (gxe.ExpectTableRowCountToBeBetween, whole),
        "not_null": (gxe.ExpectColumnValuesToNotBeNull, column | share),
        "in_set": (gxe.ExpectColumnValuesToBeInSet, column | share | {"value_set": check.values or []}),
        "between": (gxe.ExpectColumnValuesToBeBetween, column | share | between),
        "mean_between": (gxe.ExpectColumnMeanToBeBetween, column | between),
        "distinct_at_least": (
            gxe.ExpectColumnUniqueValueCountToBeBetween,
            column | {"min_value": whole["min_value"]},
        ),
        "sql": (UnexpectedRowsCount, {"unexpected_rows_query": check.sql or ""}),
    }
    return made[check.check]


def _empty(spec: FeedSpec) -> str:
    # One query for all of them: an expectation a column would cost more than all other checks together.
    required = [n for n, field in spec.fields.items() if field.required and field.personal != "drop"]
    columns = dict.fromkeys([*spec.identity.key, *required])
    empty = " OR ".join(f"{identifier(name)} IS NULL" for name in columns)
    return f"SELECT 1 FROM {{batch}} WHERE {empty}"


def _repeated(spec: FeedSpec) -> str:
    # great-expectations' own check of composite keys gives an unusable query on DuckDB.
    key = identifiers(spec.identity.key)
    return f"SELECT {key} FROM {{batch}} GROUP BY {key} HAVING COUNT(*) > 1"


def _other_day(spec: FeedSpec, day: date) -> str:
    name = spec.identity.day_from or ""
    column = identifier(name)
    if spec.fields[name].type != "timestamp":
        return f"SELECT 1 FROM {{batch}} WHERE CAST({column} AS DATE) <> service_day"
    # Its bounds: to ask each time for its local date costs more than all other checks of a large day.
    first, after = (f"TIMESTAMPTZ {literal(bound.isoformat())}" for bound in day_bounds(day))
    return f"SELECT 1 FROM {{batch}} WHERE {column} < {first} OR {column} >= {after}"
