"""A month's scores: read the lake, compute, write what changed. A second run writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from cityhub import log
from cityhub.clock import day_bounds, month_bounds
from cityhub.settings import Settings
from scoring import policy, scheme, store, tables
from scoring.compare import Side, Tree, compare
from scoring.engine import compute
from scoring.gather import gather
from scoring.publication import frozen
from scoring.result import UnitResult
from scoring.rows import ranking_rows, score_rows
from warehouse import lake

logger = log.get(__name__)
SCHEME = "qi-county"


@dataclass(frozen=True)
class Scored:
    """What a run did: units with and without a score, and whether anything was written. `final`: the publication
    under which the month is final, so that nothing was written whatever came out; `changed`: whether the rows of the
    warehouse are others."""

    month: str
    scored: int
    held: int
    written: bool
    results: tuple[UnitResult, ...]
    final: int | None = None
    changed: bool = False


def score_month(
    settings: Settings,
    month: str,
    as_of: date,
    switches: dict[str, str] | None = None,
    *,
    rules: scheme.Scheme | None = None,
    ours: policy.DigitalPolicy | None = None,
    correct: bool = False,
) -> Scored:
    """Compute the month as of a service day and replace its rows in `score` and `ranking` in one transaction.

    Rows that are the same stay, with their `as_of`, and so do all rows of a month that is final, unless it is
    corrected (`correct`: the caller publishes it with a reason). `switches` replaces defaults of the scheme (id →
    option); `rules` and `ours` the scheme and the digital-city policy in force.
    """
    rules, ours = rules or scheme.load(SCHEME), ours or policy.load()
    con = lake.connect(settings)
    try:
        gathered = gather(rules, ours, _read(con, rules, month), month=month, complete=over(month, as_of),
                          switches=switches)  # fmt: skip
        results, choices = compute(rules, gathered.inputs), rules.choices(switches)
        new = {
            "score": [row for result in results for row in score_rows(result, gathered, choices)],
            "ranking": ranking_rows(results, gathered, choices, rules),
        }
        changed = [
            name for name, rows in new.items() if store.stored(con, name, SCHEME, month) != store.key(name, rows)
        ]
        final = None if correct else frozen.number_of(con, settings, month)
        if changed and final is None:
            moment = day_bounds(as_of)[1].isoformat()
            with lake.write(con, settings, f"score {SCHEME} {month}"):
                for name, rows in new.items():
                    store.replace(con, name, SCHEME, month, rows, as_of=moment)
    finally:
        con.close()
    scored = sum(result.score is not None for result in results)
    written = bool(changed) and final is None
    log.event(logger, "score", interval=month, rows=len(new["score"]), scored=scored, written=written)
    if changed and final is not None:
        log.event(logger, "final month stays as published", publication=final, interval=month)
    return Scored(month, scored, len(results) - scored, written, tuple(results), final, bool(changed))


def over(month: str, as_of: date) -> bool:
    """Whether a month is over at the end of a service day."""
    return as_of >= month_bounds(month)[1] - timedelta(days=1)


def _read(con: duckdb.DuckDBPyConnection, rules: scheme.Scheme, month: str) -> tables.Tables:
    tables.set_month(con, rules.scheme, month)
    con.execute("BEGIN")  # one snapshot for all inputs
    found = tables.read(con, tables.queries(con))
    con.execute("COMMIT")
    return found


def compare_month(
    settings: Settings,
    month: str,
    as_of: date,
    sides: tuple[tuple[scheme.Scheme, dict[str, str]], tuple[scheme.Scheme, dict[str, str]]],
) -> Tree:
    """The month by two schemes or two sets of switches, from the same rows of the lake; nothing is written."""
    con = lake.connect(settings, read_only=True)
    try:
        found = _read(con, sides[0][0], month)
    finally:
        con.close()
    made = []
    for rules, switches in sides:
        gathered = gather(rules, policy.load(), found, month=month, complete=over(month, as_of), switches=switches)
        made.append(Side(rules, rules.choices(switches), month, compute(rules, gathered.inputs)))
    return compare(made[0], made[1])
