"""How one field is read: SQL expressions over `t` (the received text) by type, format, unit and code list.

The functions `hub_…` are the macros of `macros.sql`. Constants of the spec enter as literals, rows never do.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from cityhub.spec.fields import FieldSpec
from cityhub.spec.units import factor
from warehouse.names import literal

# What a value is not, by type: the reason under which its row goes to quarantine.
NOT_A = {
    "integer": "not_a_number",
    "double": "not_a_number",
    "decimal": "not_a_number",
    "boolean": "not_a_boolean",
    "timestamp": "not_a_time",
    "date": "not_a_date",
}

# DECIMAL(28, 10) times a factor of up to ten digits still fits into 38 digits: no product can overflow.
EXACT, EXACT_DIGITS = "DECIMAL(28, 10)", 10
STORED_DECIMAL = "DECIMAL(18, 4)"


# As the macro hub_narrow does with received texts, so that both sides of a comparison are written alike.
_NARROW = {ord(char) + 0xFEE0: char for char in "0123456789"} | {
    code + 0xFEE0: chr(code) for first, last in ("AZ", "az") for code in range(ord(first), ord(last) + 1)
}


def narrow(text: str) -> str:
    """A constant of the spec as `hub_text` gives a received text."""
    return text.translate(_NARROW).strip(" \t\r\n\u3000\xa0\ufeff")


def in_list(expression: str, values: Iterable[str]) -> str:
    """Whether a text is one of some constants, as `hub_text` writes both; false for NULL.

    Not `IN (…)`: the optimiser makes a join of that, which evaluates the expression for every row, where a
    branch of a CASE is evaluated only for the rows that come to it. Most texts are longer than any token.
    """
    known = list(dict.fromkeys(narrow(value) for value in values))
    if not known:
        return "false"
    listed, longest = ", ".join(literal(value) for value in known), max(len(value.encode()) for value in known)
    return f"CASE WHEN strlen({expression}) <= {longest} THEN list_contains([{listed}], {expression}) ELSE false END"


def missing_early(field: FieldSpec) -> list[str]:
    """Missing tokens that could be read as a value (`-9999`, `1900-01-01`): they must go before the cast."""
    return [token for token in field.missing if any(char.isdigit() for char in token)]


def typed(field: FieldSpec, text: str, decimal: str = ".") -> str:
    """The value in its stored type and unit, NULL where the text says none or cannot be read.

    `text` names the received text. `decimal` is the decimal sign of the delivery.
    """
    if field.type == "text":
        return _text(field, f"hub_text({text})")
    if field.codes:
        text = f"({_coded(field, f'hub_text({text})')})"
    elif missing_early(field):
        text = f"(CASE WHEN NOT {in_list(f'hub_text({text})', missing_early(field))} THEN {text} END)"
    if field.type == "boolean":
        return _boolean(field, text)
    if field.type == "timestamp":
        return _timestamp(field, text)
    if field.type == "date":
        return _date(field, text)
    return _number(field, text, decimal)


def _text(field: FieldSpec, text: str) -> str:
    known = f"CASE WHEN NOT {in_list(text, field.missing)} THEN {text} END" if field.missing else text
    return _coded(field, known) if field.codes else known


def _coded(field: FieldSpec, text: str) -> str:
    cases = " ".join(f"WHEN {literal(narrow(have))} THEN {literal(want)}" for have, want in field.codes.items())
    rest = f" ELSE {text}" if field.unknown_code == "keep" else ""
    return f"CASE {text} {cases}{rest} END"


def _boolean(field: FieldSpec, text: str) -> str:
    lower = f"lower(hub_text({text}))"
    yes, no = ([value.lower() for value in values] for values in (field.true, field.false))
    return f"CASE WHEN {in_list(lower, yes)} THEN true WHEN {in_list(lower, no)} THEN false END"


def _timestamp(field: FieldSpec, text: str) -> str:
    if field.format in {"epoch_s", "epoch_ms"}:
        return f"hub_{field.format}({text})"
    return f"hub_{field.format}({text}, {literal(field.zone)})"


def _date(field: FieldSpec, text: str) -> str:
    if field.format == "iso":
        return f"hub_date({text}, {literal(field.zone)})"
    return f"hub_day({_timestamp(field, text)})"


def _number(field: FieldSpec, text: str, decimal: str) -> str:
    scale = factor(field.unit, field.to) if field.unit and field.to else None
    scale = None if scale == 1 else scale
    if decimal == ",":
        text = f"hub_number_comma({text})"
    if field.type == "double":
        return _scaled(f"hub_double({text})", scale)
    if field.type == "integer":
        if scale is None:
            return f"hub_integer({text})"
        return f"hub_integer(CAST({_exact(text, scale)} AS VARCHAR))"
    if scale is not None and not _fits(scale):
        return f"TRY_CAST({_scaled(f'hub_double({text})', scale)} AS {STORED_DECIMAL})"
    value = _exact(text, scale) if scale is not None else f"hub_number({text})"
    return f"TRY_CAST({value} AS {STORED_DECIMAL})"


def _fits(scale: Decimal) -> bool:
    return len(scale.as_tuple().digits) + max(0, int(scale.as_tuple().exponent)) <= EXACT_DIGITS


def _exact(text: str, scale: Decimal) -> str:
    """A decimal product without any rounding: for money-like weights."""
    return f"TRY_CAST(hub_number({text}) AS {EXACT}) * {scale:f}"


def _scaled(value: str, scale: Decimal | None) -> str:
    """One correctly rounded operation: dividing by 1000 is exact where multiplying by the double 0.001 is not."""
    if scale is None:
        return value
    inverse = 1 / scale
    if scale < 1 and inverse == inverse.to_integral_value():
        return f"{value} / {inverse:f}::DOUBLE"
    return f"{value} * {scale:f}::DOUBLE"
