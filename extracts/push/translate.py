"""One row of ours as a record of the upper level: names, codes, measures. What has no word there is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from typing import Any

from extracts.codes import lists, ours
from extracts.push.template import DatasetRule, FieldRule, Measure, Template

Row = Mapping[str, Any]


class Unmapped(Exception):
    """A value that the template has no word for."""

    def __init__(self, column: str, value: object, why: str) -> None:
        super().__init__(f"{column} {value!r}: {why}")
        self.column, self.value, self.why = column, value, why


def wanted(rule: DatasetRule, row: Row) -> bool:
    """Whether the upper level is to have the row."""
    kept = all(_fits(row.get(column), patterns) for column, patterns in rule.where.items())
    return kept and not any(_fits(row.get(column), patterns) for column, patterns in rule.leave_out.items())


def _fits(value: object, patterns: list[str]) -> bool:
    return any(fnmatchcase(_text(value), pattern) for pattern in patterns)


def record(template: Template, dataset: str, op: str, row: Row, measure: str | None) -> dict[str, Any]:
    """The record as the upper level reads it; raises `Unmapped`. `row` is the whole row, or for `delete` its key;
    `measure`: the one of the row's indicator."""
    rule = template.datasets[dataset]
    made: dict[str, Any] = {template.body.op_at: template.body.ops[op]}  # type: ignore[index]  # one of the three
    if rule.fields == "all":
        return made | dict(row)
    for name, field in rule.fields.items():
        if field.from_ is not None and op == "delete" and field.from_ not in row:
            continue  # of a row that is no more only the key is known
        made[name] = _value(template, field, row, measure)
    return made


def _value(template: Template, field: FieldRule, row: Row, measure: str | None) -> Any:
    if field.from_ is None:
        return field.const
    if field.from_ == "measure":
        return _measure(template, measure).to if field.convert else measure
    value = row.get(field.from_)
    if value is None:
        if field.required:
            raise Unmapped(field.from_, None, "the upper level demands a value")
        return None
    floor = field.min_confidence or template.min_confidence
    if field.codes is not None:
        value = _coded(template.codes[field.codes], field.from_, value, f"not in the table {field.codes}")
    if field.list is not None:
        value = _listed(field, field.from_, _text(value), row, floor)
    if field.words is not None:
        value = _worded(field.words, field.from_, _text(value), row, floor)
    if field.convert or field.places is not None:
        value = _number(field, value, _measure(template, measure).times if field.convert else Decimal(1))
    return _shaped(field, value)


def _coded(table: Mapping[str, str], column: str, value: object, why: str) -> str:
    if _text(value) not in table:
        raise Unmapped(column, value, why)
    return table[_text(value)]


def _listed(field: FieldRule, column: str, value: str, row: Row, floor: str) -> str:
    """For `units` the division of a unit, for other lists the code itself once it is known and sure enough, on the
    row's day. Where several kinds share a code the template names one."""
    name, on = str(field.list), _day(row)
    kind = row.get(field.kind_from) if field.kind_from else field.kind
    found = lists.find(name, value, on, kind)
    if found is None:
        raise Unmapped(column, value, f"not in the list {name} on its day")
    if not lists.sure(found.confidence, floor):
        raise Unmapped(column, value, f"its code in the list {name} is {found.confidence}, less sure than {floor}")
    return found.name if name == "units" else found.code


def _worded(column: str, ours_: str, value: str, row: Row, floor: str) -> str:
    """The class of a word of ours on the row's day."""
    on = _day(row)
    word = ours.find(column, value, on)
    if word is None or word.code is None:
        raise Unmapped(ours_, value, (word.why if word else None) or "nobody said its class on its day")
    if not lists.sure(str(word.confidence), floor):
        raise Unmapped(ours_, value, f"its class {word.code} is {word.confidence}, less sure than {floor}: {word.why}")
    return word.code


def _day(row: Row) -> date:
    """The day of a row that has one, else the first of its period."""
    period = str(row.get("service_day") or row.get("period") or "")
    return date.fromisoformat(period if len(period) == 10 else f"{period}-01")


def _measure(template: Template, measure: str | None) -> Measure:
    if measure is None or measure not in template.measures:
        raise Unmapped("measure", measure, "not among the template's measures")
    return template.measures[measure]


def _number(field: FieldRule, value: Any, times: Decimal) -> Decimal:
    number = Decimal(str(value)) * times
    if field.places is None:
        return number.normalize() if number else Decimal(0)
    return number.quantize(Decimal(1).scaleb(-field.places), ROUND_HALF_UP)


def _shaped(field: FieldRule, value: Any) -> Any:
    if field.as_ == "number":
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() and not field.places else float(number)
    if field.as_ == "text" or field.remove or isinstance(value, Decimal):
        text = _text(value)
        for character in field.remove:
            text = text.replace(character, "")
        return text
    return value


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
