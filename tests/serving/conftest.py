"""One installation with a few months of rankings and sites, made by hand, and the service over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from serving.config import Service as Limits
from tests.extracts.months import DECEMBER, NOVEMBER, Months, settings_in
from tests.extracts.shelf import Shelf
from tests.serving.layers import Layers
from tests.serving.service import Client, key, served
from tests.serving.sites import TABLES, of_month, site

FIRST = {"juji": "1.50", "wulihe": "2", "chengjiao": "3.25"}
SECOND = {"juji": "1.75", "wulihe": "2", "jincheng": "9"}


@dataclass(frozen=True)
class Town:
    """The service at `url` over `months`; `client` may read everything."""

    url: str
    months: Months
    client: Client

    def client_of(self, name: str, *datasets: str, **more: object) -> Client:
        """A client with a new key of this scope."""
        return replace(self.client, key=key(self.months.settings, name, *datasets, **more))


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """1 and 2: November and its correction, 3: December."""
    months = Months(settings_in(tmp_path_factory.mktemp("town")))
    months.extract(NOVEMBER, FIRST)
    months.extract(NOVEMBER, SECOND, **TABLES)
    months.extract(DECEMBER, FIRST, "final", **TABLES)
    with served(months.settings, Limits(failure_burst=100_000, burst=100_000)) as url:
        yield Town(url, months, Client(url, key(months.settings, "all")))


@pytest.fixture(scope="package")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layers]:
    """Publication 1: October, with one lamp; 2 and 3: November, first without sites of lamps."""
    shelf = Shelf(tmp_path_factory.mktemp("layers"))
    october = {**TABLES, "site": [site("lamp", "OLD", "juji")], "last_value": []}
    shelf.put("2026-10", "final", **of_month("2026-10", october))
    shelf.put(**{**TABLES, "site": TABLES["site"][:5]})
    shelf.put(**TABLES)
    with served(shelf.settings, Limits(failure_burst=100_000)) as url:
        yield Layers(shelf, Client(url, key(shelf.settings, "all")))


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Layers]:
    """A service whose publications a test makes."""
    shelf = Shelf(tmp_path)
    with served(shelf.settings, Limits()) as url:
        yield Layers(shelf, Client(url, key(shelf.settings)))
