"""How long what is kept: bytes as received, rows, and what was computed from them."""

from __future__ import annotations

from pydantic import Field

from cityhub.spec.source import Model


class Retention(Model):
    """Days after the service day; none: kept for ever. Scores and publications are kept for ever."""

    raw_days: int | None = Field(None, ge=1, description="landing: bytes as received")
    detail_days: int | None = Field(None, ge=1, description="rows of the canonical table, and quarantine")
    aggregate_days: int | None = Field(None, ge=1, description="indicator values of hours and days")
