"""What one key may see: datasets, units and periods; everything that is not named is not seen."""

from __future__ import annotations

from dataclasses import dataclass

from extracts.datasets import Dataset
from extracts.model import Only

EVERY = "all"


@dataclass(frozen=True)
class Scope:
    """`datasets`: ids, or `all` for every one that need not be granted by name. `units`: codes, empty for all units.
    `periods`: years, months or beginnings such as `2026-*`, empty for all; what lies inside of a period belongs to
    it."""

    datasets: tuple[str, ...]
    units: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()

    def dataset(self, dataset: Dataset) -> bool:
        """Whether the dataset may be read."""
        return dataset.id in self.datasets or (EVERY in self.datasets and not dataset.by_grant)

    def period(self, period: str) -> bool:
        """Whether rows of the period may be read."""
        return not self.periods or any(_inside(period, pattern) for pattern in self.periods)

    def whole_files(self, unit_column: str | None) -> bool:
        """Whether a file that holds the rows of all units may be read whole."""
        return not self.units or unit_column is None

    @property
    def only(self) -> Only:
        """The rows that are seen, as `extracts.records` wants it."""
        return Only(
            periods=self.periods or None,
            units=frozenset(self.units) if self.units else None,
        )

    def fingerprint(self) -> str:
        """A text that is the same for the same rows: two scopes never share a validator."""
        return "|".join(",".join(sorted(part)) for part in (self.units, self.periods))


def _inside(period: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return period.startswith(pattern[:-1])
    return period == pattern or period.startswith(f"{pattern}-")
