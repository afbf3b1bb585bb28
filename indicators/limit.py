"""A threshold as configuration: the number and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from indicators import lint
from indicators.period import Period


class Limit(BaseModel):
    """A threshold or other fixed number, which the SQL takes as `$name`: changed here, never in the SQL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: int | Decimal
    source: str = Field(min_length=1, description="where the number comes from, and how sure that is")

    @property
    def parameter(self) -> object:
        """What the SQL gets: whole numbers as BIGINT, because days in milliseconds do not fit an INTEGER."""
        return duckdb.Value(self.value, duckdb.sqltypes.BIGINT) if isinstance(self.value, int) else self.value


def bound(sql: str, period: Period, limits: Mapping[str, Limit]) -> dict[str, object]:
    """What a statement takes for a period: of the period's parameters and the limits those that it names."""
    known = period.parameters() | {name: limit.parameter for name, limit in limits.items()}
    return {name: known[name] for name in lint.parameters(sql)}
