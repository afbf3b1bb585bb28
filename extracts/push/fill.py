"""From the extracts into the outbox: what changed since the last time, or everything where that is not
known any more, or the template says it in other words now."""

from __future__ import annotations

from collections.abc import Iterator

from extracts.datasets import DATASETS
from extracts.push.outbox import Change, Outbox
from extracts.push.template import Template, fingerprint
from extracts.records import every_change, every_record
from extracts.store import Store


def fill(outbox: Outbox, store: Store, template: Template, *, whole: bool = False) -> dict[str, int]:
    """Dataset → lines that are new in the outbox. `whole`: compare everything with what the target was told."""
    to = store.latest()
    if to is None:
        return {}
    found = {}
    for dataset in template.datasets:
        since, rule = outbox.token(template.target, dataset)
        present = fingerprint(template, dataset)
        everything = whole or since < store.floor() or since > to or rule != present
        if everything:
            rows = _everything(store, dataset, to)
        elif since < to:
            rows = ((item["key"], item["row"]) for item in every_change(store, dataset, since=since, to=to))
        else:
            continue
        found[dataset] = outbox.fill(template.target, dataset, to, present, rows, everything=everything)
    return found


def _everything(store: Store, dataset: str, at: int) -> Iterator[Change]:
    key = DATASETS[dataset].key
    return (({name: row[name] for name in key}, row) for row in every_record(store, dataset, at=at))


def measures(store: Store) -> dict[str, str]:
    """Indicator → measure of its values, as the newest publications have it; empty without the dataset."""
    at = store.latest()
    rows = () if at is None else every_record(store, "indicator", at=at)
    return {row["code"]: row["measure"] for row in rows}
