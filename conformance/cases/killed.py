"""Killed at each stage and run again, all is as if nothing had been."""

from __future__ import annotations

from conformance.dump import Dump, difference
from conformance.hub import tick
from conformance.mortal import COMMITTED, LOADED, PULLED, PUSHED, mortal
from conformance.result import must
from conformance.trial import Bench
from conformance.vary import corrected


def run(bench: Bench) -> str:
    """One delivery whose run dies at stage after stage, each one going on from where the last one died.

    Until the commit nobody may see anything of it, and in the end everything must be as in an undisturbed twin.
    """
    rows = bench.rows
    changed = corrected(bench.spec, rows[0])
    second = ([changed[1]] if changed else [rows[0]]) + rows[1:] + bench.bad_rows()
    first = rows[: len(rows) * 2 // 3]
    with bench.trial() as twin:
        twin.brings(first)
        before = twin.dump()
        twin.brings(second)
        wanted = twin.dump()
    with bench.trial() as trial:
        trial.brings(first)
        seen = difference(before, trial.dump())
        must(seen is None, f"two undisturbed runs differ: {seen}")
        trial.offer(second)
        stages = {**(PUSHED if bench.pushed else PULLED), **LOADED, **COMMITTED}
        for stage, point in stages.items():
            tick()
            died = mortal().run(trial.spec.feed, bench.day, point)
            must(
                died,
                f"the run did not come to the stage “{stage}”: {' '.join(mortal().said[-3:]).strip() or 'it ended'}",
            )
            trial.balanced()
            if stage in COMMITTED:
                seen = difference(wanted, trial.dump())
                must(seen is None, f"killed right after the commit, {seen}")
            else:
                seen = difference(_of_rows(before), _of_rows(trial.dump()))
                must(seen is None, f"killed at “{stage}”, a part of the delivery can be seen: {seen}")
        trial.sync()
        seen = difference(wanted, trial.dump())
        must(seen is None, f"killed {len(stages)} times and run again, {seen}")
        rests = list((bench.hub.settings.landing / trial.spec.feed).rglob("*.partial"))
        must(not rests, f"{len(rests)} half-landed folders were left behind")
    return f"died at {', '.join(stages)}; then as undisturbed"


def _of_rows(found: Dump) -> Dump:
    """Without the ledger's line, which may say already that bytes have landed."""
    return {table: rows for table, rows in found.items() if table != "delivery"}
