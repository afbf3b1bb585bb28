"""What a spec looks like as a form: its places in order, each with label, kind of value and words to choose from."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from ruamel.yaml import YAML

from cityhub.spec.feed import Check, Example, FeedSpec
from cityhub.spec.fields import FieldSpec

SHEET = "数据源登记"
YES, NO, NULL = "是", "否", "null"
TABLES: dict[str, type[BaseModel]] = {"fields": FieldSpec, "checks": Check, "examples": Example}
TABLE_TITLES = {"fields": "字段", "checks": "检查", "examples": "样例"}
SECTIONS = {
    "source": "来源", "owner": "责任人", "title": "名称", "arrives": "到达", "identity": "主键与日期",
    "location": "坐标", "unit": "归属", "contract": "列变化", "watch": "监视", "retention": "保存期限",
}  # fmt: skip
Kind = Literal["text", "number", "boolean", "words", "structure", "scalar"]


@dataclass(frozen=True)
class Place:
    """One cell's worth of a spec. `words` are what may stand there; `help` says what to type."""

    path: tuple[str, ...]
    kind: Kind
    label: str
    help: str
    words: tuple[str, ...] = ()


def places(data: Mapping[str, Any]) -> list[Place]:
    """All single places of a spec like this one; `fields`, `checks` and `examples` are tables (`columns`)."""
    return list(_places(FeedSpec, (), data))


def columns(table: str) -> list[Place]:
    """The columns of a table of the form."""
    own = [_place((alias,), annotation, "") for alias, annotation, _ in _fields(TABLES[table])]
    return [Place(("name",), "text", *_label(("name",), "")), *own] if table == "fields" else own


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any, str]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field.annotation, field.description or ""


def _places(model: type[BaseModel], at: tuple[str, ...], data: Mapping[str, Any]) -> Iterator[Place]:
    for name, annotation, said in _fields(model):
        path = (*at, name)
        if not at and name in TABLES:
            continue
        have = data.get(name)
        inner = _model(annotation, have)
        if inner is None:
            yield _place(path, annotation, said)
        else:
            yield from _places(inner, path, have if isinstance(have, Mapping) else {})


def _model(annotation: Any, have: Any) -> type[BaseModel] | None:
    """The model behind an annotation; of several, the one that the data's `kind` names, else the first."""
    found = [item for item in _flat(annotation) if isinstance(item, type) and issubclass(item, BaseModel)]
    kind = have.get("kind") if isinstance(have, Mapping) else None
    named = [m for m in found if "kind" in m.model_fields and kind in get_args(m.model_fields["kind"].annotation)]
    return next(iter([*named, *found]), None)


def _flat(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _flat(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [inner for item in get_args(annotation) for inner in _flat(item)]
    return [] if annotation is type(None) else [annotation]


def _place(path: tuple[str, ...], annotation: Any, said: str) -> Place:
    flat = _flat(annotation)
    words = tuple(str(word) for item in flat if get_origin(item) is Literal for word in get_args(item))
    if path[-1] == "kind":
        words = _kinds(path)
    kind: Kind = "text"
    if any(get_origin(item) in {list, dict, tuple} or item in {list, dict} for item in flat):
        kind = "structure"
    elif words:
        kind = "number" if all(word.isdigit() for word in words) else "words"
    elif len(flat) > 1 and not set(flat) <= {int, float}:
        kind = "scalar"
    elif flat == [bool]:
        kind, words = "boolean", (YES, NO)
    elif flat and set(flat) <= {int, float}:
        kind = "number"
    return Place(path, kind, *_label(path, said), words=words)


def _kinds(path: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of a union: `source.kind` names all transports."""
    model: type[BaseModel] = FeedSpec
    if path[:2] == ("source", "auth") or path[:2] == ("source", "paging"):
        from cityhub.spec.source import RestSource

        model, path = RestSource, path[1:]
    field = model.model_fields.get(path[0])
    found = [m for m in _flat(field.annotation) if isinstance(m, type) and issubclass(m, BaseModel)] if field else []
    return tuple(str(get_args(m.model_fields["kind"].annotation)[0]) for m in found if "kind" in m.model_fields)


def _label(path: tuple[str, ...], said: str) -> tuple[str, str]:
    known = _labels()
    for start in range(len(path)):
        found = known.get(".".join(path[start:]))
        if found:
            return str(found[0]), str(found[1])
    return path[-1], said


@cache
def _labels() -> dict[str, list[str]]:
    text = files("cityhub.spec").joinpath("labels.yaml").read_text(encoding="utf-8")
    return dict(YAML(typ="safe").load(text))
