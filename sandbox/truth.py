"""What the sandbox put into its records, so that a test can say what the hub must find."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class FeedTruth:
    """Counts of one feed's delivery for one day.

    `rows` counts everything delivered, duplicates and late rows included; `late` rows belong to an earlier
    day (their copies do not count); `bad` rows must be refused, by kind; `odd` rows are kept (emptied,
    flagged or seen by a table check), by kind; `origins` counts the rows of each `data_origin`.
    """

    rows: int = 0
    duplicates: int = 0
    late: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)


class Truth(dict[str, FeedTruth]):
    """Feed name → what its delivery holds."""

    def feed(self, name: str) -> FeedTruth:
        """The counts of one feed, made on first use."""
        return self.setdefault(name, FeedTruth())

    def as_dict(self) -> dict[str, dict[str, object]]:
        """For `truth.json`."""
        return {name: asdict(counts) for name, counts in sorted(self.items())}
