"""What is gone at the source goes as the spec declares: never, by comparison with a full list, by tombstone."""

from __future__ import annotations

from conformance.cases.versions import brings_older, versioned
from conformance.records import Record, put
from conformance.result import SPEC, Broken, NotApplicable, must
from conformance.trial import Bench, Trial


def run(bench: Bench) -> str:
    """The way that `identity.deletes` names."""
    return {"never": _never, "full_compare": _full_compare, "tombstone": _tombstone}[bench.spec.identity.deletes](bench)


def _never(bench: Bench) -> str:
    rows = bench.rows
    must_have(rows, 2)
    with bench.trial() as trial:
        trial.brings(rows)
        trial.brings(rows[1:])
        must(trial.count() == len(rows), f"{len(rows) - trial.count()} rows went with a delivery that lacked one")
    return "never: a row that a later delivery lacks stays"


def _full_compare(bench: Bench) -> str:
    rows = bench.rows
    must_have(rows, 2)
    with bench.trial() as trial:
        trial.brings(rows)
        trial.brings(rows[1:])
        must(trial.count() == len(rows) - 1, f"{trial.count()} rows are stored, the full list has {len(rows) - 1}")
        must("closed:1" in trial.noted(), "that a row was closed is told nowhere")
        trial.brings(rows)
        must(trial.count() == len(rows), "a row that is in the full list again did not come back")
    with bench.trial(arrives={"min_rows": len(rows)}) as trial:
        trial.brings(rows)
        trial.brings(rows[: len(rows) // 2])
        must(trial.count() == len(rows), f"a list cut off below min_rows closed {len(rows) - trial.count()} rows")
    return "full_compare: one closed, one back; a list that is too short closes nothing"


def _tombstone(bench: Bench) -> str:
    rows = bench.rows
    dead = versioned(bench, _gone(bench, rows[0]), hours=1)
    with bench.trial() as trial:
        trial.brings(rows)
        result = trial.brings([dead, *rows[1:]])
        must(trial.count() == len(rows) - 1, f"{trial.count()} rows are stored, {len(rows) - 1} are not gone")
        must(bool(result.days), "no day was marked for recomputation")
        must("closed:1" in trial.noted(), "that a row was closed is told nowhere")
        older = _older_comes(trial, rows)
        trial.brings([versioned(bench, rows[0], hours=2), *rows[1:]])
        must(trial.count() == len(rows), "a newer row that is not gone did not come back")
    return f"tombstone: removed, {older}, brought back by a newer row"


def _older_comes(trial: Trial, rows: list[Record]) -> str:
    before = trial.count()
    try:
        brings_older(trial, rows)
    except NotApplicable as reason:
        return f"older version not tried ({reason})"
    must(trial.count() == before, "an older version that came later brought the row back")
    return "not brought back by an older one"


def _gone(bench: Bench, row: Record) -> Record:
    """The row as the source says that it is gone."""
    for name, values in bench.spec.identity.tombstone.items():
        field = bench.spec.fields[name]
        for stored in values:
            raw = next((code for code, meant in field.codes.items() if meant == stored), None)
            if raw is not None or not field.codes:
                return put(row, field.source, stored if raw is None else raw)
    raise Broken("no value that identity.tombstone names can be sent: none of the codes stands for it", SPEC)


def must_have(rows: list[Record], least: int) -> None:
    """Not applicable with fewer rows."""
    if len(rows) < least:
        raise NotApplicable(f"the sample has {len(rows)} row, and no key of it can be varied; record a larger one")
