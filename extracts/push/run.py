"""One push to a target: fill the outbox, send what is due, say what happened. A kill anywhere loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cityhub import clock, log
from cityhub.errors import HubError, Retry, Stop
from cityhub.settings import Settings
from connectors.retry import Deadline, Pace, Policy, retried
from extracts.push import letters
from extracts.push.fill import fill, measures
from extracts.push.outbox import Batch, Item, Made, Outbox, Row, path_of
from extracts.push.send import Refused, Sender
from extracts.push.standing import note, standing
from extracts.push.template import Template
from extracts.push.translate import Unmapped, record, wanted
from extracts.store import Store, root_of
from warehouse import lake

logger = log.get("cityhub.push")
PATIENCE = Policy(deadline_s=120)  # with one batch in one run; then it waits in the outbox
REFUSALS = 5  # single records refused while none of the dataset is taken: it is not the records
LONGEST = 3600  # seconds between two tries of a batch at most


@dataclass
class Pushed:
    """What one push did: batches and records that the target took, records that it refused, what is still to be sent,
    what has no word upward, and the error of each dataset that has to wait."""

    target: str
    filled: dict[str, int] = field(default_factory=dict)
    batches: int = 0
    records: int = 0
    refused: int = 0
    waiting: int = 0
    unmapped: int = 0
    dead: int = 0
    problems: dict[str, HubError] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """What a push would send now: dataset → operation → records; why rows have no word upward; a first record each."""

    counts: dict[str, dict[str, int]]
    unmapped: list[Row]
    samples: dict[str, Row]


def push(
    settings: Settings, template: Template, *, now: bool = False, whole: bool = False, policy: Policy | None = None
) -> Pushed:  # fmt: skip
    """Send what is due; `now`: also what waits for its next try; `whole`: compare everything with what was told before.

    A dataset whose batch cannot be delivered waits, the others go on. Raises `Unauthorised` CH-PUSHUP-005 and `Stop`
    CH-PUSHUP-006, 007, which concern them all; `Retry` CH-LAKE-004 while another push to the target runs.
    """
    done = Pushed(template.target)
    with lake.lock(settings, f"push-{template.target}", timeout_s=0.2):
        try:
            _all(settings, template, done, now=now, whole=whole, policy=policy or PATIENCE)
        except HubError as error:
            note(settings, template.target, error)
            raise
        note(settings, template.target, next(iter(done.problems.values()), None))
    found = standing(settings, template.target)
    done.waiting, done.unmapped, done.dead = found.waiting, found.unmapped, found.dead
    return done


def _all(settings: Settings, template: Template, done: Pushed, *, now: bool, whole: bool, policy: Policy) -> None:
    outbox = Outbox(path_of(settings))
    try:
        sender = Sender(settings, template)
        try:
            store = Store(root_of(settings))
            done.filled = fill(outbox, store, template, whole=whole)
            letters.again(outbox, template.target, ("unmapped",))
            made = _maker(template, measures(store))
            for dataset in template.datasets:
                _dataset(outbox, sender, template, dataset, made, done, now=now, policy=policy)
        finally:
            sender.close()
    finally:
        outbox.close()


def plan(settings: Settings, template: Template, *, whole: bool = False) -> Planned:
    """What `push` would send, from a copy of the outbox; nothing is written or sent."""
    outbox = Outbox(None, copy_of=path_of(settings))
    try:
        store = Store(root_of(settings))
        fill(outbox, store, template, whole=whole)
        letters.again(outbox, template.target, ("unmapped",))
        made = _maker(template, measures(store))
        counts: dict[str, dict[str, int]] = {}
        samples: dict[str, Row] = {}
        for dataset in template.datasets:
            told: dict[str, int] = {}
            while batch := outbox.next_batch(
                template.target, dataset, template.batch, made(dataset), _encoder(template)
            ):
                rows = json.loads(batch.body)[template.body.rows_at]
                for row in rows:
                    word = next(op for op, name in template.body.ops.items() if name == row[template.body.op_at])
                    told[word] = told.get(word, 0) + 1
                samples.setdefault(dataset, rows[0])
                outbox.sent(batch, None, {})
            counts[dataset] = told
        return Planned(counts, letters.reasons(outbox, template.target, ("unmapped",)), samples)
    finally:
        outbox.close()


def _maker(template: Template, known: dict[str, str]) -> Callable[[str], Callable[[Item], Made]]:
    def of(dataset: str) -> Callable[[Item], Made]:
        rule = template.datasets[dataset]

        def made(item: Item) -> Made:
            if item.row is not None and not wanted(rule, item.row):
                if not item.told:
                    return Made(skip=True)
                return Made(record(template, dataset, "delete", item.key, None), gone=True)
            try:
                source = item.key if item.row is None else item.row
                return Made(record(template, dataset, item.op, source, known.get(str(source.get("code")))))
            except Unmapped as found:
                return Made(unmapped=str(found))

        return made

    return of


def _encoder(template: Template) -> Callable[[str, list[Row], int], bytes]:
    body = template.body

    def encode(name: str, records: list[Row], sequence: int) -> bytes:
        extra = {body.batch_at: name, body.count_at: len(records), body.sequence_at: sequence}
        content = body.fixed | {key: value for key, value in extra.items() if key} | {body.rows_at: records}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    return encode


def _dataset(
    outbox: Outbox, sender: Sender, template: Template, dataset: str, made: Callable[[str], Callable[[Item], Made]],
    done: Pushed, *, now: bool, policy: Policy,
) -> None:  # fmt: skip
    pace, refused, taken_any = Pace(template.rate_per_s, policy.sleep), 0, False
    place: dict[str, Any] = {"target": template.target, "dataset": dataset}
    while batch := outbox.next_batch(template.target, dataset, template.batch, made(dataset), _encoder(template)):
        if not (now or _due(batch)):
            done.problems[dataset] = Retry("CH-PUSHUP-008", next_at=batch.next_at, attempts=batch.attempts, **place)
            return
        pace.take()
        try:
            taken = retried(lambda b=batch: sender.send(b), template.retries, policy, Deadline(policy), **place)  # type: ignore[misc]
        except Refused as error:
            outbox.split(batch, error.said)
            log.event(logger, "push_refused", batch=batch.id, rows=batch.rows, **place)
            refused += batch.rows == 1
            done.refused += batch.rows == 1
            if refused >= REFUSALS and not taken_any:
                raise Stop("CH-PUSHUP-007", count=refused, detail=error.said, **place) from None
        except Retry as error:
            outbox.postponed(batch, f"{error.code}: {error.part('what')}", _later(batch))
            done.problems[dataset] = error
            return
        else:
            outbox.sent(batch, taken.receipt, taken.rejected)
            log.event(logger, "push", batch=batch.id, rows=batch.rows, receipt=taken.receipt, **place)
            taken_any = True
            done.batches += 1
            done.records += batch.rows - len(taken.rejected)
            done.refused += len(taken.rejected)


def _due(batch: Batch) -> bool:
    return batch.next_at is None or clock.now() >= datetime.fromisoformat(batch.next_at)


def _later(batch: Batch) -> str:
    wait = min(LONGEST, 30 * 2 ** min(batch.attempts, 10))
    return (clock.now() + timedelta(seconds=wait)).isoformat()
