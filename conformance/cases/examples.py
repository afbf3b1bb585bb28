"""Every example of the spec becomes what it says."""

from __future__ import annotations

import json
from typing import Any

from cityhub.spec.feed import Example
from conformance.records import value
from conformance.result import SPEC, Broken, NotApplicable, must
from conformance.trial import Bench, Trial
from flow.register.examples import same
from warehouse.load import load
from warehouse.names import identifiers
from warehouse.personal import edge


def run(bench: Bench) -> str:
    """Examples are records, so they land as records: what a transport does to them is for the other cases."""
    examples = bench.spec.examples
    if not examples:
        raise NotApplicable("the spec has no examples; `feed activate` asks for one")
    fields = bench.spec.fields
    keys = [tuple(str(value(item.given, fields[key].source)) for key in bench.spec.identity.key) for item in examples]
    with bench.trial() as trial:
        # Examples of one key are versions of one row: each is a delivery of its own then.
        for batch in [list(examples)] if len(set(keys)) == len(keys) else [[item] for item in examples]:
            _check(trial, batch)
    good = sum(item.quarantine is None for item in examples)
    return f"{good} good, {len(examples) - good} refused as they say"


def _check(trial: Trial, examples: list[Example]) -> None:
    hub = trial.bench.hub
    of_feed = f"SELECT id, reason, field, value FROM quarantine WHERE feed = '{trial.spec.feed}'"
    known = {row[0] for row in hub.rows(of_feed)} if trial.count() else set()
    with edge.delivery(hub.settings, trial.spec, trial.bench.day) as delivery:
        body = json.dumps([item.given for item in examples], ensure_ascii=False, default=str).encode()
        delivery.add(body, "json", request="examples of the spec")
    assert delivery.manifest is not None
    result = load(hub.settings, trial.spec, delivery.manifest, con=hub.con)
    trial.balanced()
    refused = [row[1:] for row in hub.rows(of_feed) if row[0] not in known]
    wanted = sorted(item.quarantine for item in examples if item.quarantine)
    told = "; ".join(f"{reason} ({field} = {value!r})" for reason, field, value in refused) or "none"
    found = sorted(str(row[0]) for row in refused)
    must(found == wanted, f"the examples want refused: {', '.join(wanted) or 'none'}; the hub refused: {told}", SPEC)
    for item in examples:
        if item.quarantine is None and item.expect:
            _made(trial, result.load_id, item.expect)


def _made(trial: Trial, load_id: str, expect: dict[str, Any]) -> None:
    names = list(expect)
    unknown = [name for name in names if name not in {column for (column,) in _columns(trial)}]
    must(not unknown, f"an example expects {', '.join(unknown)}, which the table does not have", SPEC)
    rows = trial.stored(identifiers(names), f"_load_id = '{load_id}'")
    if any(all(same(have, want) for have, want in zip(row, expect.values(), strict=True)) for row in rows):
        return
    best = max(rows, key=lambda row: sum(map(same, row, expect.values())), default=None)
    if best is None:
        raise Broken("an example of a good row made no row", SPEC)
    wrong = [
        f"{name} is {have!s}, the example expects {want!s}"
        for name, have, want in zip(names, best, expect.values(), strict=True)
        if not same(have, want)
    ]
    raise Broken("; ".join(wrong), SPEC)


def _columns(trial: Trial) -> list[tuple[Any, ...]]:
    return trial.bench.hub.rows(f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{trial.spec.table}'")
