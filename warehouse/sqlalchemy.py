"""The lake as an SQLAlchemy engine, read-only: for analysts' tools and for great-expectations.

An engine that attaches the lake in a connect event breaks the dialect ("cannot start a transaction within a
transaction"); a `creator` that hands over a connection with the lake attached works, reflection included.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from cityhub.settings import Settings
from warehouse import lake


def options(settings: Settings) -> dict[str, Any]:
    """`creator` and `poolclass` for `create_engine("duckdb://", …)`, great-expectations' included."""
    from duckdb_sqlalchemy import ConnectionWrapper

    def make() -> Any:
        return ConnectionWrapper(lake.connect(settings, read_only=True))

    return {"creator": make, "poolclass": StaticPool}


def engine(settings: Settings) -> Engine:
    """An engine with one connection on the lake; dispose of it to let go of its snapshot.

    Raises `Stop` CH-LAKE-003 at the first use when there is no warehouse.
    """
    return create_engine("duckdb://", **options(settings))
