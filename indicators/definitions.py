"""What an indicator is: one YAML entry with its words, its source and its SQL; one file a platform."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from cityhub.errors import Stop
from indicators import derived, lint
from indicators.derived import MADE, REFERENCE_TABLES
from indicators.limit import Limit

FOLDER = Path(__file__).resolve().parent
HUB_TABLES = frozenset({"delivery", "quarantine"})

Kind = Literal[
    "ratio_of_counts",
    "ratio_of_sums",
    "mean",
    "weighted_mean",
    "energy_mean",
    "quantile",
    "sum",
    "count",
    "ledger",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Model):
    """A name in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Grain(_Model):
    """For whom and for which periods values are kept."""

    space: list[str] = Field(description="territory, department, county; or what rows name: road, company, site …")
    time: list[Literal["hour", "day", "week", "month", "quarter", "season", "year"]]


class Definition(_Model):
    """One indicator.

    `sql` gives one row a unit with `unit` (left out when the county alone has values), `numerator`,
    `denominator` (NULL for sums and counts), `n_expected`, `n_valid`; `{unit}` stands for the column of
    `unit_columns`. `hour_sql` gives the same with `hour` (0 to 23) added; without `sql` the day is the sum
    of its hours. Parameters are listed in `indicators/lint.py`.
    """

    code: str = Field(pattern=r"^[A-Z]{3}-\d\d$")
    platform: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Title
    unit: str
    direction: Literal["higher", "lower", "none", "target"]
    kind: Kind
    formula: str = Field(min_length=1, description="in words and canonical names, for people")
    source: str = Field(min_length=1, description="where the indicator comes from")
    confidence: str = Field(min_length=1, description="what was seen and what is from memory or proposed")
    note: str = ""
    target: dict[str, Any] | None = None
    limits: dict[str, Limit] = Field(default_factory=dict, description="numbers that the SQL takes as $name")
    tables: list[str] = Field(min_length=1, description="canonical tables; no delivery, no value")
    registries: list[str] = Field(
        default_factory=list,
        description="tables read as they stand; a day without delivery is provisional",
    )
    derived: list[str] = Field(
        default_factory=list,
        description="tables that the hub makes from those of `tables` and `registries`, see indicators/tables/",
    )
    min_coverage: float = Field(0.0, ge=0, le=1, description="a smaller n_valid/n_expected makes the value provisional")
    roll_up: Literal["sum", "month"] = Field(description="sum: add the days; month: SQL over the month")
    grain: Grain
    unit_columns: dict[str, str] = Field(default_factory=dict)
    county: Literal["sum", "run"] = Field("sum", description="run: units do not add, the SQL runs once more")
    by: Literal["service_day", "event"] = Field(
        "service_day",
        description="event: rows count on the day of a time stamp of theirs, so a late row may change any later day",
    )
    absent: Literal["none", "zero"] = Field("none", description="a unit without rows, in a sum or count")
    scale: float = 1.0
    sql: str | None = None
    hour_sql: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Definition:
        spaces = set(self.grain.space) - {"county"}
        if spaces != set(self.unit_columns):
            raise ValueError(f"grain.space {sorted(spaces)} and unit_columns {sorted(self.unit_columns)} differ")
        if ("hour" in self.grain.time) != (self.hour_sql is not None):
            raise ValueError("grain.time names hour exactly when there is hour_sql")
        if self.sql is None and self.hour_sql is None:
            raise ValueError("give sql or hour_sql")
        if self.roll_up == "month" and self.sql is None:
            raise ValueError("roll_up month needs sql")
        if self.county == "run" and self.roll_up == "sum":
            raise ValueError("what does not add over units does not add over days: roll_up must be month")
        if clash := sorted(set(self.limits) & set(lint.PARAMETERS)):
            raise ValueError(f"the limit {clash[0]} has the name of a parameter")
        used = lint.parameters(" ".join(text for _, text in self.statements()))
        if idle := sorted(set(self.limits) - used):
            raise ValueError(f"no SQL uses the limit {idle[0]}")
        for name, text in self.statements():
            if bool(self.unit_columns) != ("{unit}" in text):
                raise ValueError(f"{name} holds {{unit}} exactly when there are unit_columns")
        return self

    @model_validator(mode="after")
    def _derived(self) -> Definition:
        if self.derived and self.roll_up == "month":
            raise ValueError("derived tables are made day by day: roll_up must be sum")
        for name in self.derived:
            if name not in (made := derived.read_all()):
                raise ValueError(f"there is no derived table {name}")
            if lacking := sorted(set(made[name].reads) - set(self.reads())):
                raise ValueError(f"{name} is made from {lacking[0]}, which is in neither tables nor registries")
        return self

    def statements(self) -> list[tuple[str, str]]:
        """The SQL texts by field name."""
        return [(name, text) for name, text in (("sql", self.sql), ("hour_sql", self.hour_sql)) if text is not None]

    def reads(self) -> list[str]:
        """Canonical tables, facts first."""
        return [*self.tables, *self.registries]

    @property
    def sha256(self) -> str:
        """Identity of the definition: any change of words or SQL changes it, that of its derived tables included."""
        return sha256_of(self.text())

    def text(self) -> list[dict[str, Any]]:
        """The definition as data, and those of its derived tables: all that its values depend on but the rows."""
        return [self.model_dump(mode="json"), *(derived.read_all()[n].model_dump(mode="json") for n in self.derived)]


def sha256_of(text: list[dict[str, Any]]) -> str:
    """Identity of `Definition.text()`, of this version of the code or of another."""
    return hashlib.sha256(json.dumps(text, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def read_file(path: Path) -> list[Definition]:
    """The definitions of one platform's file, parsed once per version of it.

    Raises `Stop` CH-IND-001 (form) or CH-IND-002 (SQL).
    """
    stat = path.stat()
    return list(_read_version(path, stat.st_mtime_ns, stat.st_size))


@cache
def _read_version(path: Path, _mtime_ns: int, _size: int) -> tuple[Definition, ...]:
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (MarkedYAMLError, UnicodeDecodeError) as error:
        raise Stop(
            "CH-IND-001", file=str(path), indicator="?", field="file", problem=str(error).splitlines()[0]
        ) from None
    found = []
    for entry in raw["indicators"]:
        code = str(entry.get("code", "?"))
        try:
            definition = Definition.model_validate({"platform": raw["platform"], **entry})
        except ValidationError as error:
            first = error.errors()[0]
            raise Stop(
                "CH-IND-001",
                file=str(path),
                indicator=code,
                field=".".join(str(part) for part in first["loc"]) or "entry",
                problem=first["msg"].removeprefix("Value error, "),
            ) from None
        allowed = {*definition.reads(), *definition.derived, *REFERENCE_TABLES, *MADE}
        for name, text in definition.statements():
            lint.refuse(text, allowed, definition.limits, path=path, indicator=code, field=name)
        found.append(definition)
    return tuple(found)


def read_all(folder: Path = FOLDER) -> dict[str, Definition]:
    """All definitions of a folder by code; raises the first problem found, or CH-IND-004 for a clash."""
    definitions: dict[str, Definition] = {}
    files: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        for definition in read_file(path):
            if definition.code in definitions:
                first = files[definition.code]
                raise Stop("CH-IND-004", indicator=definition.code, first=first, second=path.name)
            definitions[definition.code], files[definition.code] = definition, path.name
    return definitions
