"""The compose file as data, merged keys and defaults of variables resolved as Compose does."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from cityhub.settings import REPOSITORY

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


@pytest.fixture(scope="session")
def raw() -> str:
    return (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def compose(raw: str) -> dict[str, Any]:
    resolved = VARIABLE.sub(lambda match: match["default"] or "", raw)
    content: dict[str, Any] = yaml.safe_load(resolved)
    return content


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found
