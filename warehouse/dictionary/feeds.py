"""A feed's canonical table as the dictionary describes it: what its spec says, in words."""

from __future__ import annotations

from collections.abc import Iterator

from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from warehouse.dictionary import words
from warehouse.dictionary.entry import Column, Reference, Table, Text
from warehouse.tables import RESERVED, column_types

SYSTEMS = {"gcj02": "GCJ-02", "bd09": "BD-09"}  # those that are not where WGS-84 is; CGCS2000 differs by centimetres
_GENERIC = Text("源端没有给出", "The source gave none")
_UNUSABLE = Text(
    "源端没有给出，或给出的值不可用（见 _flags）", "The source gave none, or one that cannot be used (see _flags)"
)


def table(spec: FeedSpec) -> Table:
    """The table of a feed. Raises `Stop` CH-TABLE-003 as `column_types` does."""
    known = words.read()
    columns = tuple(_column(known, spec, name, kind) for name, kind in column_types(spec).items())
    titles = {column.name: column.title.zh for column in columns}
    return Table(
        spec.table,
        spec.platform,
        Text(spec.title.zh, spec.description),
        _said(known, "grain", [titles[name] for name in spec.identity.key], spec.identity.key),
        tuple(spec.identity.key),
        columns,
        (*_rules(known, spec), *known.warnings(spec.table)),
        tuple(_references(spec)),
        spec.feed,
    )


def _column(known: words.Words, spec: FeedSpec, name: str, kind: str) -> Column:
    field = spec.fields.get(name)
    if name in RESERVED or field is None:
        return Column(name, kind, known.common(name), _empty(known, spec, name), known.unit(spec.table, name))
    common = known.common(name)
    title = Text(field.title or common.zh, field.description or common.en)
    unit = known.unit(spec.table, name) or _pretty(field.to) if field.type in {"integer", "double", "decimal"} else None
    closed = field.codes if field.unknown_code != "keep" and field.type == "text" else {}
    return Column(
        name,
        kind,
        title,
        _empty(known, spec, name),
        unit,
        tuple(dict.fromkeys(closed.values())),
        field.min if field.unit is None else None,
        field.max if field.unit is None else None,
        field.pattern if field.personal == "no" and not field.codes else None,
    )


def _pretty(unit: str | None) -> str | None:
    return unit and unit.replace("ug/", "µg/").replace("m3", "m³").replace("m2", "m²")


def _empty(known: words.Words, spec: FeedSpec, name: str) -> Text | None:
    """What NULL means in the column, None where it cannot be."""
    field = spec.fields.get(name)
    if name in known.names("never") or name in spec.identity.key or (field is not None and field.required):
        return None
    if name == "unit_code" and spec.unit.by == "none":
        return Text("该数据源不归属区域，总为空", "The feed's rows belong to no territory: always empty")
    if (stated := known.empty(name)) is not None:
        return stated
    return _UNUSABLE if field is not None and _forgives(field) else _GENERIC


def _forgives(field: FieldSpec) -> bool:
    return field.if_bad == "null" or (bool(field.codes) and field.unknown_code == "null")


def _rules(known: words.Words, spec: FeedSpec) -> Iterator[Text]:
    """What a naive query over the table gets wrong, as far as the spec tells."""
    fields, identity = spec.fields, spec.identity

    def said(rule: str, columns: list[str]) -> Iterator[Text]:
        if columns:
            yield _said(known, rule, columns, columns)

    if identity.day_from is None:
        yield known.rule("monthly" if spec.arrives.per == "month" else "registry")
    elif identity.day_from not in identity.key and _moves_on(spec):
        yield from said("updated", [identity.day_from])
    yield from said("history", identity.history)
    if spec.arrives.fallback == "carry_forward":
        yield known.rule("carried")
    counters = known.names("counters") | set(spec.watch.counters)
    yield from said("counter", [name for name in fields if name in counters])
    if spec.location is not None and spec.location.system in SYSTEMS:
        yield known.rule("converted", system=SYSTEMS[spec.location.system])
    yield from said("hashed", [name for name, field in fields.items() if field.personal == "hash"])
    yield from said("masked", [name for name, field in fields.items() if field.personal == "mask"])
    yield from said("marked", list(spec.watch.marks))
    if spec.unit.by == "none":
        yield known.rule("county")
    if spec.unit.by == "lookup":
        yield from said("by_parent", [f"{spec.unit.table}.{spec.unit.key}"])
    if spec.retention.detail_days is not None:
        yield known.rule("kept", days=str(spec.retention.detail_days))


def _moves_on(spec: FeedSpec) -> bool:
    """Whether rows are told again as they go on: they have versions, or times that come later."""
    times = [field for name, field in spec.fields.items() if name != spec.identity.day_from]
    return spec.identity.version is not None or any(
        field.type in {"timestamp", "date"} and not field.required for field in times
    )


def _said(known: words.Words, rule: str, zh: list[str], en: list[str]) -> Text:
    return Text(known.rule(rule, columns="、".join(zh)).zh, known.rule(rule, columns=", ".join(en)).en)


def _references(spec: FeedSpec) -> Iterator[Reference]:
    if spec.unit.by == "lookup" and spec.unit.field and spec.unit.table and spec.unit.key:
        yield Reference(spec.unit.field, spec.unit.table, spec.unit.key)
    if spec.unit.by != "none":
        yield Reference("unit_code", "unit", "unit_code")
