"""In which order feeds are taken: a parent registry before the feeds that look their unit up in it."""

from __future__ import annotations

from cityhub.spec.feed import FeedSpec


def parent_feed(spec: FeedSpec, specs: dict[str, FeedSpec]) -> str | None:
    """The active feed that fills the table this one looks its unit up in; None where there is none."""
    if spec.unit.by != "lookup":
        return None
    return next((other.feed for other in specs.values() if other.table == spec.unit.table), None)


def in_order(specs: dict[str, FeedSpec]) -> list[str]:
    """Feed names, parents first, otherwise by name."""
    return sorted(specs, key=lambda name: (parent_feed(specs[name], specs) is not None, name))
