"""Silence is data: what is watched on every feed without being asked, and the numbers that a feed may change."""

from __future__ import annotations

from pydantic import Field

from cityhub.spec.source import Model


class Watch(Model):
    """Thresholds of the watches; the defaults hold for every feed."""

    rows_low: float = Field(0.5, ge=0, le=1, description="fewer rows than this share of the usual are a finding")
    rows_high: float = Field(3.0, ge=1, description="more rows than so many times the usual are a finding")
    history_days: int = Field(28, ge=1, description="days of its own history that make the usual: their median")
    history_least: int = Field(5, ge=1, description="days of history without which nothing is usual yet")
    frozen: list[str] | None = Field(
        None, description="columns that must move; none named: the measured columns of a device; []: not watched"
    )
    frozen_run: int = Field(12, ge=2, description="so many equal readings of a device in a row are frozen")
    same_body_days: int = Field(3, ge=2, description="the same content on so many days in a row is a finding")
    rate: str | None = Field(None, description="column with a rate that the vendor computed")
    rate_sql: str | None = Field(None, description="our rate: SELECT unit_code, rate FROM {batch} GROUP BY unit_code …")
    rate_tolerance: float = Field(0.01, ge=0, description="difference of the two that is no finding")
