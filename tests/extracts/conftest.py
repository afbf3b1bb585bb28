"""What tests of extracts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.extracts.months import Months, settings_in


@pytest.fixture
def months(tmp_path: Path) -> Months:
    """An installation without publications."""
    return Months(settings_in(tmp_path))
