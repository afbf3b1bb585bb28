"""What tests of extracts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.extracts.hub import served
from tests.extracts.line import Between, Line
from tests.extracts.months import Months, settings_in
from tests.extracts.shelf import Shelf
from tests.servers.http import vendor


@pytest.fixture
def months(tmp_path: Path) -> Months:
    """An installation without publications."""
    return Months(settings_in(tmp_path))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty installation whose own secrets are in it too."""
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    return Shelf(tmp_path / "home")


@pytest.fixture
def line(shelf: Shelf, tmp_path: Path) -> Iterator[Line]:
    """A hub, what is between, and a copy that is not there yet."""
    with served(shelf) as address, vendor(Between(address)) as proxy:
        yield Line(shelf, proxy.answer, proxy.address, tmp_path / "copy.duckdb")  # type: ignore[arg-type]
