"""Running the suite: all cases of one feed, or of many in one hub."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from cityhub.errors import HubError, Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from conformance.cases import CASES
from conformance.hub import Hub, throw_away
from conformance.names import secret_names
from conformance.result import SPEC, Broken, CaseResult, NotApplicable, Outcome
from conformance.sample import sample
from conformance.trial import Bench, day_before, settled
from warehouse import ledger

SHARED = 8  # feeds in one hub: a new one costs two seconds, a large one slows every query


def run(settings: Settings, spec: FeedSpec, *, only: Sequence[str] | None = None) -> list[CaseResult]:
    """The results of one feed, case by case. Nothing of the installation is written; no network but loopback is used.

    Raises `Usage` CH-CONFORM-004 for a case that is none; a broken promise is a result, never an exception.
    """
    return list(run_all(settings, [spec], only=only))


def run_all(
    settings: Settings, specs: Iterable[FeedSpec], *, only: Sequence[str] | None = None
) -> Iterator[CaseResult]:
    """The results of many feeds, as they come."""
    wanted = list(only or CASES)
    for name in wanted:
        if name not in CASES:
            raise Usage("CH-CONFORM-004", found=name, known=", ".join(CASES))
    todo = list(specs)
    parents = {spec.table: spec for spec in read_good(settings.feeds)[0].values()}
    for start in range(0, len(todo), SHARED):
        with throw_away(settings) as hub:
            for spec in todo[start : start + SHARED]:
                yield from _feed(hub, settings, spec, parents, wanted)


def _feed(
    hub: Hub, settings: Settings, spec: FeedSpec, parents: dict[str, FeedSpec], wanted: list[str]
) -> Iterator[CaseResult]:
    try:
        bench = Bench(hub, spec, sample(settings, spec))
    except HubError as error:
        for name in wanted:
            promise = CASES[name].promise
            yield CaseResult(spec.feed, name, promise, "failed", error.text(), _whom(spec, error))
        return
    hub.plant(secret_names(spec))
    hub.open_days(*(day_before(bench.day, days) for days in range(3)))
    if spec.unit.by == "lookup" and (spec.unit.table or "") in parents:
        hub.make_tables(parents[spec.unit.table or ""])
    try:
        bench = settled(bench)
    except (Broken, HubError) as error:
        for name in wanted:
            yield CaseResult(
                spec.feed, name, CASES[name].promise, "failed", str(error), f"{SPEC} ({ledger.owner(spec)})"
            )
    else:
        for name in wanted:
            yield _case(bench, name)
    hub.clear()


def _case(bench: Bench, name: str) -> CaseResult:
    case, spec = CASES[name], bench.spec
    started = time.monotonic()
    outcome: Outcome = "passed"
    concerns: str | None = None
    try:
        detail = case.run(bench)
    except NotApplicable as reason:
        outcome, detail = "not_applicable", str(reason)
    except Broken as broken:
        outcome, detail = "failed", str(broken)
        concerns = broken.concerns if broken.concerns != SPEC else f"{SPEC} ({ledger.owner(spec)})"
    except HubError as error:
        outcome, detail, concerns = "failed", error.text(), _whom(spec, error)
    return CaseResult(spec.feed, name, case.promise, outcome, detail, concerns, round(time.monotonic() - started, 2))


def _whom(spec: FeedSpec, error: HubError) -> str:
    return ledger.whose_move(spec, error)
