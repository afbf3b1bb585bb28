"""The same delivery again adds nothing: rows, ledger, quarantine, findings."""

from __future__ import annotations

from conformance import dump
from conformance.result import must
from conformance.trial import Bench


def run(bench: Bench) -> str:
    """All columns of all tables are compared, ids and moments too; devices that send all again add no row either."""
    rows = bench.rows + bench.bad_rows()
    with bench.trial() as trial:
        first = trial.brings(rows)
        must(first.inserted > 0, f"of {len(rows)} good and bad rows none was loaded ({first.quarantined} refused)")
        before, files = dump.everything(bench.hub, trial.spec), dump.landed_bytes(bench.hub, trial.spec)
        second = trial.sync()
        must(second.repeated, "the second run loaded the same content again")
        found = dump.difference(before, dump.everything(bench.hub, trial.spec))
        must(found is None, f"after the second run {found}")
        must(files == dump.landed_bytes(bench.hub, trial.spec), "the second run changed what is in landing")
        if bench.pushed:
            stored, refused = trial.table(), trial.quarantined()
            again = trial.brings(rows)
            must(again.inserted == again.updated == 0, f"sent again, {again.inserted} rows came in a second time")
            must((stored, refused) == (trial.table(), trial.quarantined()), "sent again, the rows are others")
    return f"{first.landed} rows landed, {first.inserted} loaded, {first.quarantined} refused; again: nothing"
