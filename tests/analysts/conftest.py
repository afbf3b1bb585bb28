"""A month that was computed, scored and published once: what analysts and other systems read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from indicators import store
from indicators.definitions import Definition, read_all
from indicators.delivered import Standing
from indicators.run import Sums, total
from indicators.values import Value, settle
from scoring.month import score_month
from scoring.publish import Publication, publish
from tests.scoring.county import MONTH, TERRITORIES, County
from warehouse import dictionary, lake

DAYS = (f"{MONTH}-29", f"{MONTH}-30")
FINE = Standing(missing=None, provisional=None, coverage=None, quarantined=0)


@dataclass(frozen=True)
class Town:
    """The county, and publication 1 of its month."""

    county: County
    publication: Publication
    definitions: dict[str, Definition]

    @property
    def folder(self) -> Path:
        """Of the publication."""
        return Path(self.publication.folder)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    county, definitions = County(tmp_path_factory.mktemp("town")), read_all()
    county.manual_tables()
    county.scores()
    with lake.write(county.con, county.settings, "results"):
        store.put_definitions(county.con, definitions.values())
        store.put(county.con, values(definitions))
        dictionary.apply(county.con, [])
    score_month(county.settings, MONTH, date(2026, 11, 30))
    return Town(county, publish(county.settings, MONTH, date(2026, 11, 30)), definitions)


def values(definitions: dict[str, Definition]) -> list[Value]:
    """Days and month of every indicator for the territories and the county, some roads, in all states."""
    found: list[Value] = []
    for place, definition in enumerate(definitions.values()):
        parts = {unit: _sums(place, number + 1) for number, unit in enumerate(TERRITORIES)}
        for unit, sums in (parts | {"qixian": total(parts.values())}).items():
            for kind, period in [*(("day", day) for day in DAYS), ("month", MONTH)]:
                found.append(settle(definition, unit, kind, period, sums=sums, standing=FINE))
    odd = definitions["LGT-01"]
    found += [
        settle(odd, "road:R1", "month", MONTH, sums=_sums(3, 2), standing=FINE),
        settle(odd, "road:R2", "month", MONTH, sums=None, standing=FINE),
        settle(odd, "road:R3", "month", MONTH, sums=_sums(3, 2), standing=replace(FINE, missing="not delivered")),
        settle(odd, "road:R4", "month", MONTH, sums=_sums(3, 2), standing=replace(FINE, provisional="held")),
    ]
    return found


def _sums(place: int, size: int) -> Sums:
    """Parts of a unit; each size has another ratio, so that the mean of ratios is not the ratio of sums."""
    return Sums(numerator=size * size + place / 3, denominator=size * 10.0, n_expected=size * 12, n_valid=size * 11)
