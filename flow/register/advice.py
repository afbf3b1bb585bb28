"""What refused rows say about the spec: another format reads these times, another unit brings values into range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from cityhub.errors import HubError, Stop
from cityhub.lint.problem import listed, nearest
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from cityhub.spec.units import FACTORS, factor
from connectors.check import cut_hint
from warehouse.compile import define_macros
from warehouse.names import literal
from warehouse.trial import HIDDEN, Trial, Tried, engine

FORMATS = ("iso", "compact", "epoch_s", "epoch_ms", "us", "excel")
SYSTEMATIC = 0.5  # of the rows: fewer are bad rows, not a wrong spec


def advice(spec: FeedSpec, trial: Trial) -> Iterator[HubError]:
    """One error for each likely cause, with what to type; none where only single rows are bad."""
    absent = _absent(spec, trial)
    if absent and len(absent) == len({field.source for field in spec.fields.values()}):
        wanted = listed(sorted(absent)[:6])
        yield Stop("CH-REG-066", feed=spec.feed, found=" | ".join(trial.columns[:8])[:200], wanted=wanted,
                   hint=cut_hint(spec, trial.columns))  # fmt: skip
        return
    for source in sorted(absent):
        name = next(name for name, field in spec.fields.items() if field.source == source)
        near = nearest(source, trial.columns, 0.5) or nearest(name, trial.columns, 0.5)
        yield Stop("CH-REG-065", feed=spec.feed, column=source, field=name, found=listed(trial.columns[:20]),
                   advice=f"from: {near}" if near else "from: one of them")  # fmt: skip
    counted: Counter[tuple[str, str]] = Counter()
    for row in trial.rows:
        counted.update(set(_told(row)))
    for (reason, name), count in counted.items():
        field = spec.fields.get(name)
        position = reason == "bad_position"
        if (
            count < SYSTEMATIC * len(trial.rows)
            or (field is None and not position)
            or (field and field.source in absent)
        ):
            continue
        yield from _position(spec, trial) if position else _one(spec, trial, reason, name)


def _told(row: Tried) -> Iterator[tuple[str, str]]:
    for item in row.reasons:
        yield item.reason, item.field
    for flag in row.flags:
        reason, _, name = flag.partition(":")
        yield reason, name


def _absent(spec: FeedSpec, trial: Trial) -> set[str]:
    """Columns that the spec reads and no row has."""
    names = {field.source for field in spec.fields.values()}
    seen = {name for row in trial.rows for name, value in row.raw.items() if value is not None}
    known = set(trial.columns) | {name for name in names if name.partition(".")[0] in trial.columns}
    return names - seen - known if trial.columns else set()


def _values(trial: Trial, source: str) -> list[str]:
    found = [row.raw.get(source) or HIDDEN for row in trial.rows]
    return [value for value in found if value != HIDDEN]


def _numbers(trial: Trial, source: str) -> list[Decimal]:
    found = []
    for value in _values(trial, source):
        try:
            found.append(Decimal(value))
        except InvalidOperation:
            continue
    return [number for number in found if number.is_finite()]


def _position(spec: FeedSpec, trial: Trial) -> Iterator[HubError]:
    assert spec.location is not None
    lon, lat = spec.fields[spec.location.lon], spec.fields[spec.location.lat]
    east, north = _numbers(trial, lon.source), _numbers(trial, lat.source)
    if east and north and all(3 <= value <= 54 for value in east) and all(73 <= value <= 136 for value in north):
        yield Stop("CH-REG-060", feed=spec.feed, lon=spec.location.lon, lat=spec.location.lat, lon_from=lat.source,
                   lat_from=lon.source)  # fmt: skip
    elif east and all(abs(value) > 1000 for value in east):
        yield Stop("CH-REG-063", feed=spec.feed, field=spec.location.lon, sample=east[0], limits="73 to 136",
                   advice="unit: 1e-6deg, to: deg")  # fmt: skip


def _one(spec: FeedSpec, trial: Trial, reason: str, name: str) -> Iterator[HubError]:
    field = spec.fields[name]
    values = _values(trial, field.source)
    if not values:
        return
    place = {"feed": spec.feed, "field": name}
    if reason in {"not_a_time", "not_a_date"}:
        reads = _format(field, values)
        yield Stop("CH-REG-061", **place, sample=values[0], used=field.format,
                   advice=f"format: {reads}" if reads else "another `from`; no known format reads it")  # fmt: skip
    elif reason in {"not_a_number", "not_an_integer"}:
        yield Stop(
            "CH-REG-062", **place, sample=values[0], kind=field.type, advice=_number(spec, field, values, reason)
        )
    elif reason == "out_of_range" and field.type in {"integer", "double", "decimal"}:
        limits = f"{field.min if field.min is not None else '–'} to {field.max if field.max is not None else '–'}"
        yield Stop(
            "CH-REG-063", **place, sample=values[0], limits=limits, advice=_unit(field, _numbers(trial, field.source))
        )
    elif reason == "unknown_code":
        unknown = listed(f'"{value}": …' for value in dict.fromkeys(v for v in values if v not in field.codes))
        yield Stop("CH-REG-064", **place, unknown=unknown)
    elif reason == "future_time":
        yield Stop("CH-REG-067", **place, sample=values[0], zone=field.zone)


def _format(field: FieldSpec, values: list[str]) -> str | None:
    """The format that reads all of the values."""
    with engine() as con:
        define_macros(con)
        for form in FORMATS:
            zone = "" if form.startswith("epoch") else f", {literal(field.zone)}"
            tests = ", ".join(f"hub_{form}({literal(value)}{zone}) IS NOT NULL" for value in values[:20])
            if form != field.format and con.execute(f"SELECT list_bool_and([{tests}])").fetchone() == (True,):
                return form
    return None


def _number(spec: FeedSpec, field: FieldSpec, values: list[str], reason: str) -> str:
    if reason == "not_an_integer":
        return f"`type: double` in {field.source}'s field, for it has decimals"
    if all("," in value and "." not in value.rsplit(",", 1)[-1] for value in values) and spec.source.kind == "files":
        return 'add `decimal: ","` to `source`'
    if getattr(spec.source, "decimal", ".") == "," and all("." in value for value in values):
        return 'type `decimal: "."` in `source`'
    words = dict.fromkeys(value for value in values if not any(char.isdigit() for char in value))
    if words:
        return f"`missing: {list(words)[:5]}`, if these mean that there is no value"
    if any("," in value for value in values):
        return "ask the vendor to send numbers without thousands separators"
    return "`type: text`, or another `from`"


def _unit(field: FieldSpec, numbers: list[Decimal]) -> str:
    """Another unit with which all values are inside the limits."""
    low = Decimal(repr(field.min)) if field.min is not None else Decimal("-Infinity")
    high = Decimal(repr(field.max)) if field.max is not None else Decimal("Infinity")
    pairs = [(field.to, field.to)] if field.to else []
    pairs += [pair for pair in FACTORS if field.to is None or pair[1] == field.to]
    for have, want in pairs if numbers else []:
        scale = factor(str(have), str(want))
        inside = scale is not None and all(low <= number * scale <= high for number in numbers)
        if inside and (have, want) != (field.unit, field.to):
            return f"unit: {have}, to: {want}"
    return "a wider `min` or `max`, if such values are possible"
