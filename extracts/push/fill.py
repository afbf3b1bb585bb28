"""From the extracts into the outbox: what changed since the last time, or everything where that is not
known any more, or the template says it in other words now."""

from __future__ import annotations

from collections.abc import Iterator

from extracts.datasets import DATASETS
from extracts.push.outbox import Change, Outbox
from extracts.push.template import Template, fingerprint
from extracts.records import changes, key_of, records
from extracts.store import Store

PAGE = 5_000


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
            rows = _changes(store, dataset, since, to)
        else:
            continue
        found[dataset] = outbox.fill(template.target, dataset, to, present, rows, everything=everything)
    return found


def _changes(store: Store, dataset: str, since: int, to: int) -> Iterator[Change]:
    after = None
    while True:
        page = changes(store, dataset, since=since, to=to, after=after, limit=PAGE)
        for item in page:
            yield item["key"], item["row"]
        if len(page) < PAGE:
            return
        after = key_of(dataset, page[-1]["key"])


def _everything(store: Store, dataset: str, at: int) -> Iterator[Change]:
    after = None
    while True:
        page = records(store, dataset, at=at, after=after, limit=PAGE)
        for row in page:
            yield {name: row[name] for name in DATASETS[dataset].key}, row
        if len(page) < PAGE:
            return
        after = key_of(dataset, page[-1])


def measures(store: Store) -> dict[str, str]:
    """Indicator → measure of its values, as the newest publications have it; empty without the dataset."""
    at = store.latest()
    rows = [] if at is None else [row for _, row in _everything(store, "indicator", at)]
    return {row["code"]: row["measure"] for row in rows if row is not None}
