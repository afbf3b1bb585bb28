"""A threshold as configuration: the number and where it comes from."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class Limit(BaseModel):
    """A threshold or other fixed number, which the SQL takes as `$name`: changed here, never in the SQL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: int | Decimal
    source: str = Field(min_length=1, description="where the number comes from, and how sure that is")
