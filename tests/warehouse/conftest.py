"""A home of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cityhub.settings import Settings
from warehouse import lake
from warehouse.migrate import migrate


def settings_in(home: Path) -> Settings:
    return Settings(
        home=home,
        feeds=home / "feeds",
        catalog=str(home / "lake" / "catalog.sqlite"),
        data=str(home / "lake" / "data"),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def con(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a migrated lake."""
    con = lake.connect(settings)
    migrate(con, settings)
    yield con
    con.close()
