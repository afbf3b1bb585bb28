"""When this feed fails, the others stay as they are, byte by byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from cityhub.spec.feed import FeedSpec
from conformance import dump
from conformance.result import must
from conformance.stand import Fault
from conformance.trial import Bench, Trial
from warehouse.load import load
from warehouse.personal import edge


def run(bench: Bench) -> str:
    """A canned neighbour beside each way in which this feed can fail."""
    neighbour = _neighbour(bench)
    before, files = dump.everything(bench.hub, neighbour), dump.landed_bytes(bench.hub, neighbour)
    failed = []
    with bench.trial() as trial:
        for fault in ("login", "page", "garbage"):
            if fault in trial.stand.faults:
                trial.offer(bench.rows, Fault(fault))
                error = trial.refuses()
                failed += [error.code] if error else []
    with _unusable(bench) as trial:
        trial.offer(bench.rows)
        error = trial.refuses()
        failed += [error.code] if error else []
    must(bool(failed), "this feed could not be made to fail")
    seen = dump.difference(before, dump.everything(bench.hub, neighbour))
    must(seen is None, f"in the neighbour, {seen}")
    must(files == dump.landed_bytes(bench.hub, neighbour), "the neighbour's files in landing are not the same")
    return f"after {', '.join(failed)} the neighbour is byte-equal"


@contextmanager
def _unusable(bench: Bench) -> Iterator[Trial]:
    """The feed with a required column that its source does not have."""
    name = next(iter(bench.spec.fields))
    field = bench.spec.fields[name].model_dump(mode="json", by_alias=True)
    missing = {**field, "from": "no_such_column", "required": True}
    with bench.trial(fields={name: missing}, contract={"missing": "stop", "renamed": "stop"}) as trial:
        yield trial


def _neighbour(bench: Bench) -> FeedSpec:
    """Another feed of the hub with a delivery of its own, one row of it refused."""
    number = bench.hub.number()
    spec = FeedSpec.model_validate(
        {
            "feed": f"neighbour.rows{number}",
            "title": {"zh": "邻居", "en": "neighbour"},
            "platform": "neighbour",
            "table": f"neighbour_rows{number}",
            "description": "A canned feed beside the one that is tested.",
            "owner": bench.spec.owner.model_dump(),
            "source": {"kind": "rest", "address": "http://127.0.0.1:9"},
            "arrives": {"min_rows": 0},
            "identity": {"key": ["id"], "deletes": "full_compare"},
            "fields": {"id": {"from": "id"}, "n": {"from": "n", "type": "integer", "max": 40}},
        }
    )
    bench.hub.add(spec)
    with edge.delivery(bench.hub.settings, spec, bench.day) as delivery:
        body = json.dumps([{"id": f"N{number}", "n": number} for number in range(42)]).encode()
        delivery.add(body, "json", request="canned")
    assert delivery.manifest is not None
    load(bench.hub.settings, spec, delivery.manifest, con=bench.hub.con)
    return spec
