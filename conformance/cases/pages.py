"""Pages that come twice, are cut off, never end, or are fewer than the source says."""

from __future__ import annotations

from cityhub.errors import HubError
from conformance.dump import difference
from conformance.result import NotApplicable, must
from conformance.stand import Fault
from conformance.trial import Bench, Trial


def duplicated(bench: Bench) -> str:
    """Loaded without doubles or refused with a name; and once the source is in order, as undisturbed."""
    with bench.trial() as trial:
        _can(trial, "duplicate", "its rows come as one answer")
        trial.offer(bench.rows, Fault("duplicate"))
        error = trial.refuses()
        if error is None:
            must(trial.count() == len(bench.rows), f"{trial.count()} rows are stored of {len(bench.rows)} keys")
        else:
            _nothing(trial, error)
        _heals(bench, trial, "duplicate")
    return f"refused: {error.code}" if error else "left out"


def truncated(bench: Bench) -> str:
    """What was cut off is refused as a whole, or its last row alone; and once it is whole, as undisturbed."""
    with bench.trial() as trial:
        _can(trial, "truncate", "a transaction is whole or not at all")
        trial.offer(bench.rows, Fault("truncate"))
        error = trial.refuses()
        if error is not None:
            _nothing(trial, error)
        else:
            kept = trial.count()
            must(
                len(bench.rows) - _last(bench) <= kept < len(bench.rows), f"{kept} of {len(bench.rows)} rows were kept"
            )
        _heals(bench, trial, "truncate")
    return f"refused: {error.code}" if error else "all rows but the cut one were loaded"


def _last(bench: Bench) -> int:
    """How many rows go with the last line: what a device says at one time stands in one frame."""
    return 1 if bench.spec.source.kind != "hj212" else len(bench.rows)


def repeated(bench: Bench) -> str:
    """No endless run, no row twice, no half list taken for a whole one."""
    with bench.trial() as trial:
        _can(trial, "repeat", "the source has no pages")
        trial.offer(bench.rows, Fault("repeat"))
        error = trial.refuses()
        calls = getattr(trial.stand, "calls", 0)
        must(error is not None, f"a page that never ends was taken for a whole delivery ({trial.count()} rows)")
        must(calls < 20, f"{calls} pages were asked for before the hub noticed")
        assert error is not None
        _nothing(trial, error)
        _heals(bench, trial, "repeat")
    return f"refused after {calls} calls: {error.code}"


def wrong_total(bench: Bench) -> str:
    """Three more and three fewer than there are."""
    for by in (3, -3):
        with bench.trial() as trial:
            _can(trial, "total", "the source states no total")
            trial.offer(bench.rows, Fault("total", by))
            error = trial.refuses()
            if error is not None:
                _nothing(trial, error)
                continue
            kept = trial.count()
            must(kept == len(bench.rows), f"{kept} of {len(bench.rows)} rows were loaded, the total said {by:+d}")
            must("total" in trial.noted() or "states" in trial.noted(), f"a total wrong by {by:+d} was told nowhere")
    return "all rows loaded, the difference is among the findings"


def _can(trial: Trial, fault: str, why: str) -> None:
    if fault not in trial.stand.faults:
        raise NotApplicable(why)


def _nothing(trial: Trial, error: HubError) -> None:
    """A refused delivery leaves no row, and its reason in the ledger."""
    must(trial.count() == 0, f"{trial.count()} rows of a refused delivery ({error.code}) are stored")
    must(trial.ledger_error() == error.code, f"the ledger says {trial.ledger_error()}, the run said {error.code}")


def _heals(bench: Bench, trial: Trial, fault: str) -> None:
    trial.brings(bench.rows)
    seen = difference({"": bench.undisturbed}, {"": trial.table()})
    must(seen is None, f"once the source is in order again after “{fault}”, {seen}")
    must(trial.ledger_error() is None, f"the ledger still says {trial.ledger_error()}")
