"""The contract as data: datasets, their keys, columns, types and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

FILE = Path(__file__).parent / "contract.yaml"
MANIFEST = "manifest.json"
FORMATS = ("parquet", "json")
SOURCES = ("publication", "working")
VALUELESS = ("missing", "no_denominator")

PERIODS = {
    "hour": re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3])"),
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])"),
    "quarter": re.compile(r"\d{4}-Q[1-4]"),
    "year": re.compile(r"\d{4}"),
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Model):
    """One column. `required`: never empty; `values`: all that it can hold."""

    type: Literal["text", "decimal", "integer", "date", "timestamp"]
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    required: bool = False
    values: tuple[str, ...] = ()


class Dataset(_Model):
    """One table of the feed; `key`: columns that together stand once."""

    about: tuple[str, str]
    key: tuple[str, ...]
    fields: Mapping[str, Column]


class Contract(_Model):
    """What both sides keep to."""

    contract: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    tolerance: Decimal
    datasets: Mapping[str, Dataset]

    @property
    def major(self) -> int:
        """What must be the same on both sides."""
        return int(self.version.split(".")[0])


@cache
def contract() -> Contract:
    """The contract of this version of the hub."""
    return Contract.model_validate(YAML(typ="safe").load(FILE.read_text(encoding="utf-8")))


def well_formed(kind: str, period: str) -> bool:
    """Whether a period is written as its kind is, and is one of the calendar."""
    form = PERIODS.get(kind)
    if form is None or not form.fullmatch(period):
        return False
    if kind in {"hour", "day"}:
        try:
            date.fromisoformat(period[:10])
        except ValueError:
            return False
    return True


def inside(period: str, whole: str) -> bool:
    """Whether a period lies in the month or day that a folder is for."""
    return period == whole or period.startswith((f"{whole}-", f"{whole}T"))
