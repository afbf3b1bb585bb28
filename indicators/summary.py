"""What a run of the indicators did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """What a run did. `states` counts the values of the periods by state, `missing` names codes without any
    value for the county, `errors` the definitions that could not be run."""

    periods: tuple[str, ...]
    values: int
    changed: int
    states: dict[str, int]
    missing: tuple[str, ...]
    errors: tuple[str, ...]


def merge(parts: list[Summary]) -> Summary:
    """Several summaries as one."""
    return Summary(
        tuple(dict.fromkeys(period for part in parts for period in part.periods)),
        sum(part.values for part in parts),
        sum(part.changed for part in parts),
        dict(sum((Counter(part.states) for part in parts), Counter())),
        tuple(sorted({code for part in parts for code in part.missing})),
        tuple(dict.fromkeys(error for part in parts for error in part.errors)),
    )
