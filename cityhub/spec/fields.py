"""One column of a feed: where it comes from, what it means, what a bad value costs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cityhub.spec.source import Model

Name = Field(pattern=r"^[a-z][a-z0-9_]*$")


class FieldSpec(Model):
    """A canonical column. `from` is the source's name (dotted path inside JSON records)."""

    source: str = Field(alias="from", min_length=1)
    type: Literal["text", "integer", "double", "decimal", "boolean", "timestamp", "date"] = "text"
    title: str | None = Field(None, description="Chinese title, for the dictionary")
    description: str | None = Field(None, description="one English sentence for the dictionary")
    required: bool = Field(False, description="a row without it goes to quarantine")
    zone: str = Field("Asia/Shanghai", description="zone of a timestamp that carries none")
    format: Literal["iso", "epoch_s", "epoch_ms", "compact", "us", "excel"] = Field(
        "iso",
        description="iso 2026-11-20[T ]08:00:00[.mmm][+08:00]; compact 20261120080000; us 11/20/2026 08:00:00 AM",
    )
    unit: str | None = Field(None, description="unit as received")
    to: str | None = Field(None, description="unit as stored; the factor is in cityhub/spec/units.py")
    codes: dict[str, str] = Field(default_factory=dict, description="source value -> stored value")
    unknown_code: Literal["quarantine", "keep", "null"] = "quarantine"
    true: list[str] = Field(default_factory=lambda: ["true", "1", "t", "y", "yes", "是"])
    false: list[str] = Field(default_factory=lambda: ["false", "0", "f", "n", "no", "否"])
    min: float | None = None
    max: float | None = None
    pattern: str | None = Field(None, description="regular expression the whole value must match")
    missing: list[str] = Field(default_factory=lambda: ["", "NA", "N/A", "null", "NULL", "--", "-"])
    if_bad: Literal["quarantine", "null"] = Field(
        "quarantine", description="null keeps the row, empties the value and notes the flag"
    )
    personal: Literal["no", "hash", "mask", "drop"] = "no"


class Location(Model):
    """Which columns are coordinates and in which system; lon_wgs84 and lat_wgs84 are added."""

    lon: str = "lon"
    lat: str = "lat"
    system: Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


class UnitAttribution(Model):
    """How a row belongs to an assessed unit: a district code, the boundary around its point, or its parent."""

    by: Literal["code", "point", "lookup", "none"] = "none"
    field: str | None = Field(None, description="code: our column with the district; lookup: our column with the key")
    codes: dict[str, str] = Field(default_factory=dict, description="district code -> unit code")
    table: str | None = Field(None, description="lookup: canonical table of the parent")
    key: str | None = Field(None, description="lookup: key column in the parent table")
