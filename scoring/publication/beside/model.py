"""`sites.yaml` and `details.yaml` as data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from cityhub.errors import Stop
from cityhub.spec.source import Model
from cityhub.stated import stated

FOLDER = Path(__file__).parent
SITES, DETAILS = FOLDER / "sites.yaml", FOLDER / "details.yaml"
PREFIX = "detail_"

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
T = TypeVar("T")


class Register(Model):
    """The feed that lists the sites of a kind."""

    feed: str
    table: Id
    id: Id
    name: Id | None = None
    operation: Id | None = None
    place: bool = False
    where: str = "TRUE"


class Value(Model):
    """One property: a column of numbers, or of true and false."""

    column: Id
    zh: str
    en: str
    measure: str | None = None


class Readings(Model):
    """A feed that sends values of sites. `usable`, `estimated`: SQL conditions on its rows."""

    feed: str
    table: Id
    id: Id
    at: Id
    usable: str = "TRUE"
    estimated: str = "FALSE"
    fresh_hours: int = Field(ge=1)
    look_back_days: int = Field(ge=1, le=31)
    values: dict[Id, Value]


class Kind(Model):
    """A kind of site."""

    zh: str
    en: str
    register_: Register | None = Field(None, alias="register")
    readings: tuple[Readings, ...] = ()


class DetailColumn(Model):
    """A column of a dataset that is granted by name; `type` as in extracts/datasets.yaml."""

    zh: str
    en: str
    type: Literal["text", "integer", "number", "decimal", "date", "timestamp", "boolean"] = "text"
    source: Id | None = Field(None, alias="from")
    null: bool = True


class Detail(Model):
    """Rows of a feed that a consumer may be granted by name."""

    zh: str
    en: str
    feed: str
    table: Id
    key: tuple[Id, ...] = Field(min_length=1)
    columns: dict[Id, DetailColumn]


@cache
def sites() -> Mapping[str, Kind]:
    """Kind → what it is; raises `Stop` CH-PUB-011."""
    found = _read(SITES, dict[Id, Kind])
    for name, kind in found.items():
        names = [value for readings in kind.readings for value in readings.values]
        if kind.register_ is None and not kind.readings:
            raise Stop("CH-PUB-011", file=str(SITES), problem=f"{name} has neither register nor readings")
        if twice := {value for value in names if names.count(value) > 1}:
            raise Stop("CH-PUB-011", file=str(SITES), problem=f"{name}: {min(twice)} stands twice")
    return found


@cache
def details() -> Mapping[str, Detail]:
    """Dataset → what it is; raises `Stop` CH-PUB-011."""
    found = _read(DETAILS, dict[Id, Detail])
    for name, detail in found.items():
        if not name.startswith(PREFIX):
            raise Stop("CH-PUB-011", file=str(DETAILS), problem=f"{name} does not begin with {PREFIX}")
        if unknown := set(detail.key) - detail.columns.keys():
            raise Stop("CH-PUB-011", file=str(DETAILS), problem=f"{name}: its key {min(unknown)} is no column")
    return found


def _read(path: Path, kind: type[T]) -> T:
    return stated(path, kind, lambda problem: Stop("CH-PUB-011", file=str(path), problem=problem))
