"""Silence is data: what is watched on every feed without being asked, and the numbers that a feed may change."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cityhub.spec.source import Model

WatchKind = Literal[
    "late", "rows", "same_body", "clock", "frozen", "zero_run", "uniform", "silent", "gaps", "rate", "levels", "spikes",
    "counters", "places", "jumps", "strangers", "midnight",
]  # fmt: skip


class Watch(Model):
    """Thresholds of the watches; the defaults hold for every feed."""

    off: list[WatchKind] = Field(default_factory=list, description="watches that this feed does without")
    rows_low: float = Field(0.5, ge=0, le=1, description="fewer rows than this share of the usual are a finding")
    rows_high: float = Field(3.0, ge=1, description="more rows than so many times the usual are a finding")
    history_days: int = Field(28, ge=1, description="days of its own history that make the usual: their median")
    history_least: int = Field(5, ge=1, description="days of history without which nothing is usual yet")
    frozen: list[str] | None = Field(
        None,
        description="columns that must move; none named: the measured columns of a device that stands still (columns"
        " that hardly move on its neighbours are left out); []: not watched",
    )
    frozen_run: int = Field(12, ge=2, description="so many equal readings of a device in a row are frozen")
    same_body_days: int | None = Field(
        None,
        ge=2,
        description="the same content on so many days in a row is a finding; default 3, for a feed whose rows have"
        " neither day nor version (a register) only when a number is given",
    )
    counters: list[str] = Field(default_factory=list, description="columns of meters that only count up")
    marks: dict[str, list[str]] = Field(
        default_factory=dict, description="{our column: values that say not to use the row's measurements}"
    )
    rate: str | None = Field(None, description="column with a rate that the vendor computed")
    rate_sql: str | None = Field(None, description="our rate: SELECT unit_code, rate FROM {batch} GROUP BY unit_code …")
    rate_tolerance: float = Field(0.01, ge=0, description="difference of the two that is no finding")

    @model_validator(mode="after")
    def _a_rate_has_two_sides(self) -> Watch:
        if (self.rate is None) != (self.rate_sql is None):
            raise ValueError("watch: give both `rate` and `rate_sql`, or neither")
        return self
