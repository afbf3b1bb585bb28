"""The feed spec: one YAML file, written by department IT, read by everything else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cityhub.spec.contract import Contract
from cityhub.spec.fields import FieldSpec, Location, Name, UnitAttribution
from cityhub.spec.retention import Retention
from cityhub.spec.source import Model, Source
from cityhub.spec.units import factor
from cityhub.spec.watch import Watch


class Title(Model):
    """A name in both languages."""

    zh: str
    en: str


class Owner(Model):
    """Who answers for the feed."""

    department: str
    person: str
    phone: str


class Arrives(Model):
    """When a delivery is expected and what to do without it."""

    schedule: str = Field("15 1 * * *", description="cron, Asia/Shanghai; the delivery is for the day before")
    expected_by: str = Field("06:00", pattern=r"^\d\d:\d\d$", description="local time on the day after the service day")
    min_rows: int = Field(1, ge=0, description="fewer rows make the delivery incomplete")
    per: Literal["day", "month"] = Field("day", description="month: one delivery holds for the whole month")
    max_rows: int | None = Field(None, ge=1, description="more rows than this are implausible")
    fallback: Literal["none", "carry_forward", "manual"] = Field(
        "none",
        description="without a delivery: nothing; the last good one, marked; or a file that somebody uploads",
    )
    device_interval_s: float | None = Field(None, gt=0, description="each device sends once in so many seconds")
    device: list[str] = Field(
        default_factory=list, description="columns that name the device; none: the key without its times"
    )


class Identity(Model):
    """What makes a row the same row, and which day it belongs to."""

    key: list[str] = Field(min_length=1)
    day_from: str | None = Field(
        None,
        description="timestamp or date column that gives the row's service day; none: the delivery's day",
    )
    version: str | None = Field(None, description="column that orders versions of a row; none: the delivery's day")
    deletes: Literal["never", "full_compare", "tombstone"] = Field(
        "never",
        description="full_compare: a key that a full delivery lacks is closed; tombstone: a row says that it is gone",
    )
    tombstone: dict[str, list[str]] = Field(
        default_factory=dict, description="deletes: tombstone: {our column: values that mean deleted}"
    )
    history: list[str] = Field(
        default_factory=list,
        description="columns of a registry whose earlier values are kept, with the days for which they held",
    )


class Check(Model):
    """A table check of the day, run by great-expectations; `critical` makes the feed's day provisional."""

    check: Literal["row_count", "not_null", "in_set", "between", "mean_between", "distinct_at_least", "sql"]
    column: str | None = None
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None
    mostly: float = Field(1.0, gt=0, le=1)
    sql: str | None = Field(None, description="sql: SELECT of unexpected rows FROM {batch}")
    severity: Literal["critical", "warning"] = "warning"
    note: str | None = None


class Example(Model):
    """One raw record and what the hub must make of it."""

    given: dict[str, object]
    expect: dict[str, object] | None = None
    quarantine: str | None = Field(None, description="reason code when the row must be refused")


class FeedSpec(Model):
    """One stream of records of one kind from a platform."""

    feed: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    title: Title
    platform: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="canonical table")
    description: str = Field(min_length=1, description="one English sentence for the dictionary")
    active: bool = True
    owner: Owner
    source: Source
    arrives: Arrives = Arrives()
    identity: Identity
    fields: dict[str, FieldSpec] = Field(min_length=1)
    location: Location | None = None
    unit: UnitAttribution = UnitAttribution()
    contract: Contract = Contract()
    watch: Watch = Watch()
    retention: Retention = Retention()
    checks: list[Check] = Field(default_factory=list)
    examples: list[Example] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> FeedSpec:
        if not self.feed.startswith(self.platform + "."):
            raise ValueError(f"feed {self.feed!r} must start with its platform {self.platform!r}")
        for name in self.fields:
            if not name.replace("_", "a").isalnum() or not name.islower():
                raise ValueError(f"field {name!r}: use lower-case letters, digits and _")
        self._names_are_fields()
        self._units_have_factors()
        self._rows_find_their_unit()
        self._personal_stands_alone()
        return self

    def _names_are_fields(self) -> None:
        identity, location = self.identity, self.location
        named: dict[str, list[str | None]] = {
            "identity.key": [*identity.key],
            "identity.day_from": [identity.day_from],
            "identity.version": [identity.version],
            "identity.history": [*identity.history],
            "identity.tombstone": [*identity.tombstone],
            "location": [location.lon, location.lat] if location else [],
            "unit.field": [self.unit.field],
            "arrives.device": [*self.arrives.device],
            "watch.counters": [*self.watch.counters],
            "watch.marks": [*self.watch.marks],
            "watch.frozen": [*(self.watch.frozen or [])],
            "watch.rate": [self.watch.rate],
            "checks": [check.column for check in self.checks],
        }
        for what, names in named.items():
            for name in names:
                if name is not None and name not in self.fields:
                    raise ValueError(f"{what} names {name!r}, which is not among the fields")
        if identity.day_from and self.fields[identity.day_from].type not in {"timestamp", "date"}:
            raise ValueError("identity.day_from must be a timestamp or a date")
        if (self.arrives.max_rows or self.arrives.min_rows) < self.arrives.min_rows:
            raise ValueError("arrives.max_rows is less than arrives.min_rows")
        if identity.history and (identity.day_from or identity.version):
            raise ValueError("identity.history is for registries: rows without `day_from` and `version`")
        if (identity.deletes == "tombstone") != bool(identity.tombstone):
            raise ValueError("identity.deletes: tombstone and identity.tombstone {column: [values]} belong together")
        if any(self.fields[name].personal != "no" for name in identity.tombstone):
            raise ValueError("identity.tombstone names a field that is not stored as received (personal)")
        if any(self.fields[name].personal == "drop" for name in identity.history):
            raise ValueError("identity.history names a field that is not stored (personal: drop)")

    def _units_have_factors(self) -> None:
        for name, field in self.fields.items():
            if (field.unit is None) != (field.to is None):
                raise ValueError(f"field {name!r}: give both `unit` and `to`, or neither")
            if field.unit and field.to and factor(field.unit, field.to) is None:
                raise ValueError(f"field {name!r}: no factor from {field.unit} to {field.to}")

    def _personal_stands_alone(self) -> None:
        """A personal value is protected before anybody can compute with it, or read it in another place."""
        guarded = {name: field for name, field in self.fields.items() if field.personal != "no"}
        identity, place = self.identity, self.location
        needed = {identity.day_from, identity.version, *([place.lon, place.lat] if place else [])}
        needed |= {self.unit.field} if self.unit.by == "code" else set()
        for name, field in guarded.items():
            if name in needed:
                raise ValueError(
                    f"field {name!r} is personal: it can be neither time, version, place nor unit of a row"
                )
            for other, item in self.fields.items():
                if other != name and f"{item.source}.".startswith(f"{field.source}."):
                    raise ValueError(f"{other!r} reads {item.source!r}, which {name!r} protects; one field for it only")

    def _rows_find_their_unit(self) -> None:
        if self.unit.by == "point" and self.location is None:
            raise ValueError("unit.by point needs `location`")
        if self.unit.by in {"code", "lookup"} and not self.unit.field:
            raise ValueError(f"unit.by {self.unit.by} needs `field`")
        if self.unit.by == "lookup" and not (self.unit.table and self.unit.key):
            raise ValueError("unit.by lookup needs `table` and `key`")


__all__ = ["Check", "Example", "FeedSpec", "Name"]
