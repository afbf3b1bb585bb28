"""Push: the upper level ends with the newest rows, whatever fails, is refused, is killed or changes on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Retry, Stop, Unauthorised
from connectors.retry import Policy
from extracts.push import letters
from extracts.push.outbox import Outbox, path_of
from extracts.push.run import Pushed, plan, push
from extracts.push.template import Template
from tests.extracts.shelf import Row, Shelf, value
from tests.extracts.upper import Upper
from tests.servers.http import Answer, Request, vendor

QUICK = Policy(sleep=lambda seconds: None)
PLAIN: dict[str, Any] = {
    "target": "province",
    "title": {"zh": "省", "en": "province"},
    "confidence": "test",
    "address": "upper_url",
    "batch": 3,
    "retries": 0,
    "rate_per_s": 1000,
    "answer": {"receipt_at": "receipt", "rejected_at": "failed"},
    "datasets": {"indicator_value": {"path": "/values", "fields": "all"}},
}


def template(**more: Any) -> Template:
    return Template.model_validate(PLAIN | more)


def values(n: int, number: float = 1.0) -> list[Row]:
    return [value(f"A{i:02d}", "jincheng", number) for i in range(n)]


def outbox(shelf: Shelf) -> Outbox:
    return Outbox(None, copy_of=path_of(shelf.settings))


class Line:
    """A shelf with an upper level at the end of the line."""

    def __init__(self, shelf: Shelf, upper: Upper, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shelf, self.upper, self._patch = shelf, upper, monkeypatch

    def push(self, made: Template | None = None, **options: Any) -> Pushed:
        with vendor(self.upper) as server:
            self._patch.setenv("CITYHUB_UPPER_URL", server.address)
            return push(self.shelf.settings, made or template(), policy=QUICK, **options)

    def equal(self) -> None:
        """What the upper level holds is what the newest publications say, to the last column."""
        assert self.upper.rows() == self.shelf.rows("indicator_value")


@pytest.fixture
def line(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(shelf, Upper(), monkeypatch)


def test_everything_arrives_once_and_then_only_what_changed(line: Line) -> None:
    line.shelf.put(indicator_value=values(7))
    done = line.push()
    assert (done.batches, done.records, done.waiting) == (3, 7, 0)
    line.equal()
    assert line.push().batches == 0
    line.shelf.put(indicator_value=[*values(5), value("A05", "jincheng", 2.0), value("B", "juji", None)])
    done = line.push()
    assert [(op, row["code"]) for _, op, row in line.upper.taken[7:]] == [
        ("revise", "A05"), ("delete", "A06"), ("insert", "B")
    ]  # fmt: skip
    line.equal()


def test_a_delete_says_the_key_and_nothing_else(line: Line) -> None:
    line.shelf.put(indicator_value=values(1))
    line.push()
    line.shelf.put(indicator_value=[])
    line.push()
    assert line.upper.taken[-1][1:] == ("delete", {"period": "2026-11", "code": "A00", "unit": "jincheng"})


def test_what_came_and_went_between_two_pushes_is_never_said(line: Line) -> None:
    line.shelf.put(indicator_value=values(2))
    line.upper.before = lambda number, request: Answer(status=503)
    assert isinstance(line.push().problems["indicator_value"], Retry)
    line.upper.before = lambda number, request: None
    line.push(now=True)
    line.shelf.put(indicator_value=[*values(2), value("Z", "juji", 1.0)])
    line.shelf.put(indicator_value=values(2))
    assert line.push().batches == 0
    line.equal()


@pytest.mark.parametrize("seed", range(4))
def test_random_failures_lose_and_double_nothing(line: Line, seed: int) -> None:
    chance = random.Random(seed)

    def fails(number: int, request: Request) -> Answer | None:
        bad = [Answer(status=500), Answer(status=429, headers={"Retry-After": "1"}), Answer(b"x" * 50, cut=50)]
        return chance.choice(bad) if chance.random() < 0.4 else None

    line.upper.before = fails
    line.upper.after = fails
    for round_ in range(4):
        line.shelf.put(indicator_value=values(chance.randint(0, 9), chance.choice([1.0, 2.0])))
        line.push(now=True)
        if round_ == 2:
            line.push(now=True)
    line.upper.before = line.upper.after = lambda number, request: None
    assert line.push(now=True).waiting == 0
    line.equal()
    assert all(len(bodies) == 1 for bodies in line.upper.bodies.values()), (
        "a try said something else than the one before"
    )


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(line: Line) -> None:
    line.shelf.put(indicator_value=values(2))
    line.upper.after = lambda number, request: Answer(status=504) if number == 1 else None
    assert line.push().waiting == 2
    line.push(now=True)
    assert (line.upper.count, line.upper.applied) == (2, 1)
    line.equal()


def test_a_batch_waits_for_its_time_and_others_of_its_dataset_wait_for_it(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("CITYHUB_NOW", "2026-12-01T08:00:00+08:00")
    line.shelf.put(indicator_value=values(9))
    line.upper.before = lambda number, request: Answer(status=503)
    line.push()
    assert line.upper.count == 1
    problem = line.push().problems["indicator_value"]
    assert (problem.code, line.upper.count) == ("CH-PUSHUP-008", 1)
    monkeypatch.setenv("CITYHUB_NOW", "2026-12-01T08:00:30+08:00")
    line.upper.before = lambda number, request: None
    assert line.push().waiting == 0
    line.equal()


def test_one_bad_record_does_not_keep_the_others(line: Line) -> None:
    line.shelf.put(indicator_value=values(20))
    line.upper.refuse = lambda record: record["code"] == "A13"
    done = line.push(template(batch=20))
    assert (done.records, done.refused, done.dead) == (19, 1, 1)
    held = letters.letters(outbox(line.shelf), "province", letters.DEAD)
    assert [(item["key"]["code"], item["detail"]) for item in held] == [("A13", "HTTP 422: a record is wrong")]
    line.shelf.put(
        indicator_value=[value("A13", "jincheng", 9.0) if row["code"] == "A13" else row for row in values(20)]
    )
    line.upper.refuse = lambda record: False
    assert line.push().dead == 0
    line.equal()


def test_a_record_that_is_refused_alone_waits_for_a_person(line: Line) -> None:
    line.shelf.put(indicator_value=values(3))
    line.upper.reject = lambda record: record["code"] == "A01"
    done = line.push()
    assert (done.records, done.refused, done.dead) == (2, 1, 1)
    assert line.push().batches == 0
    line.upper.reject = lambda record: False
    box = Outbox(path_of(line.shelf.settings))
    assert letters.again(box, "province", letters.DEAD) == 1
    box.close()
    line.push()
    line.equal()


def test_a_dropped_record_stays_away_until_its_content_changes(line: Line) -> None:
    line.shelf.put(indicator_value=values(1))
    line.upper.reject = lambda record: record.get("value") == 1.0
    line.push()
    box = Outbox(path_of(line.shelf.settings))
    assert letters.drop(box, "province", ("dead",)) == 1
    box.close()
    line.shelf.put(indicator_value=[*values(1), value("B", "juji", 3.0)])
    line.push()
    assert [row["code"] for row in line.upper.rows()] == ["B"]
    line.shelf.put(indicator_value=[*values(1, 2.0), value("B", "juji", 3.0)])
    line.push()
    line.equal()


def test_a_batch_that_is_too_large_is_cut(line: Line) -> None:
    line.shelf.put(indicator_value=values(10))
    line.upper.most = 2
    done = line.push(template(batch=10))
    assert (done.records, done.refused) == (10, 0)
    line.equal()


def test_a_target_that_refuses_every_record_stops_the_push(line: Line) -> None:
    line.shelf.put(indicator_value=values(20))
    line.upper.refuse = lambda record: True
    with pytest.raises(Stop) as caught:
        line.push(template(batch=20))
    assert caught.value.code == "CH-PUSHUP-007"
    line.upper.refuse = lambda record: False
    box = Outbox(path_of(line.shelf.settings))
    letters.again(box, "province", letters.DEAD)
    box.close()
    line.push()
    line.equal()


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(401, Unauthorised, "CH-PUSHUP-005"), (404, Stop, "CH-PUSHUP-006"), (302, Stop, "CH-PUSHUP-006")],
)
def test_what_a_person_must_put_right_stops_and_loses_nothing(
    line: Line, status: int, kind: type[Stop], code: str
) -> None:  # fmt: skip
    line.shelf.put(indicator_value=values(4))
    line.upper.before = lambda number, request: Answer(status=status, headers={"Location": "http://192.0.2.1/"})
    with pytest.raises(kind) as caught:
        line.push()
    assert caught.value.code == code
    assert line.upper.count == 1
    line.upper.before = lambda number, request: None
    line.push()
    line.equal()


def test_after_the_changes_expired_everything_is_compared(line: Line) -> None:
    line.shelf.put(indicator_value=values(6))
    line.push()
    line.shelf.put(indicator_value=values(4))
    line.shelf.put(indicator_value=[*values(3), value("A03", "jincheng", 5.0), value("C", "juji", 1.0)])
    line.shelf.store.set_floor(3)
    done = line.push()
    assert done.records == 4  # A03, C and the two that went; not the three that stayed
    line.equal()


def test_a_template_that_changed_sends_all_rows_in_its_new_words(line: Line) -> None:
    line.shelf.put(indicator_value=values(2))
    line.push()
    fields = {name: {"from": name} for name in ("period", "code", "unit", "value")}
    line.push(template(datasets={"indicator_value": {"path": "/values", "fields": fields}}))
    assert line.upper.rows()[0] == {"period": "2026-11", "code": "A00", "unit": "jincheng", "value": 1.0}
    chosen = {"path": "/values", "fields": fields, "where": {"code": ["A01"]}}
    line.push(template(datasets={"indicator_value": chosen}))
    assert [row["code"] for row in line.upper.rows()] == ["A01"]
    line.push()
    line.equal()


def test_a_row_that_is_no_longer_wanted_is_taken_back(line: Line) -> None:
    chosen = {"indicator_value": {"path": "/values", "fields": "all", "where": {"state": ["ok"]}}}
    line.shelf.put(indicator_value=[value("A", "juji", 1.0), value("B", "juji", None)])
    line.push(template(datasets=chosen))
    assert [row["code"] for row in line.upper.rows()] == ["A"]
    line.shelf.put(indicator_value=[value("A", "juji", None), value("B", "juji", 2.0)])
    line.push(template(datasets=chosen))
    assert [row["code"] for row in line.upper.rows()] == ["B"]
    line.shelf.put(indicator_value=[value("A", "juji", 3.0), value("B", "juji", 2.0)])
    line.push(template(datasets=chosen))
    assert [row["code"] for row in line.upper.rows()] == ["A", "B"]


def test_a_value_without_a_word_upward_is_a_finding_and_is_sent_once_there_is_one(line: Line) -> None:
    line.shelf.put(indicator_value=[value("A", "jincheng", 1.0), value("A", "juji", 1.0)])
    fields = {name: {"from": name} for name in ("period", "code")} | {"unit": {"from": "unit", "codes": "u"}}
    rule = {"indicator_value": {"path": "/values", "fields": fields}}
    done = line.push(template(datasets=rule, codes={"u": {"jincheng": "001"}}))
    assert (done.records, done.unmapped) == (1, 1)
    found = letters.letters(outbox(line.shelf), None, ("unmapped",))
    assert found[0]["detail"] == "unit 'juji': not in the table u"
    assert line.push(template(datasets=rule, codes={"u": {"jincheng": "001", "juji": "002"}})).unmapped == 0
    assert [row["unit"] for row in line.upper.rows()] == ["001", "002"]


def test_a_dry_push_tells_and_does_nothing(line: Line) -> None:
    line.shelf.put(indicator_value=values(4))
    line.push()
    line.shelf.put(indicator_value=[*values(2), value("A02", "jincheng", 3.0), value("B", "juji", 1.0)])
    before = path_of(line.shelf.settings).read_bytes(), line.upper.count
    found = plan(line.shelf.settings, template())
    assert found.counts == {"indicator_value": {"revise": 1, "delete": 1, "insert": 1}}
    assert (path_of(line.shelf.settings).read_bytes(), line.upper.count) == before
    line.push()
    line.equal()


def test_receipts_are_kept_with_the_batch(line: Line) -> None:
    line.shelf.put(indicator_value=values(4))
    line.push()
    assert [(item["state"], item["row_count"], item["receipt"]) for item in letters.batches(outbox(line.shelf))] == [
        ("sent", 1, "R2"), ("sent", 3, "R1")
    ]  # fmt: skip


def test_two_pushes_at_once_are_one(line: Line) -> None:
    line.shelf.put(indicator_value=values(1))
    told: list[str] = []

    def second(number: int, request: Request) -> Answer | None:
        with pytest.raises(Retry) as caught:
            push(line.shelf.settings, template(), policy=QUICK)
        told.append(caught.value.code)
        return None

    line.upper.before = second
    line.push()
    assert told == ["CH-LAKE-004"]


KILLED = """
import json, sys
from pathlib import Path
from connectors.retry import Policy
from extracts.push.run import push
from extracts.push.template import Template
from tests.extracts.months import settings_in
template = Template.model_validate(json.loads(sys.argv[2]))
push(settings_in(Path(sys.argv[1])), template, policy=Policy(sleep=lambda s: None))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_request_loses_and_doubles_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:  # fmt: skip
    """The upper level kills the sender: before it took the batch, or after, when the answer is still to come."""
    shelf.put(indicator_value=values(8))
    upper, running = Upper(), []

    def kill(number: int, request: Request) -> Answer | None:
        if number in {1, 3}:
            os.kill(running[-1].pid, signal.SIGKILL)
            running[-1].wait()
        return None

    setattr(upper, when, kill)
    with vendor(upper) as server:
        monkeypatch.setenv("CITYHUB_UPPER_URL", server.address)
        codes = []
        while not codes or codes[-1] != 0:
            arguments = [sys.executable, "-c", KILLED, str(shelf.settings.home), json.dumps(PLAIN)]
            running.append(subprocess.Popen(arguments, cwd=Path(__file__).parents[2]))
            codes.append(running[-1].wait())
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert all(len(bodies) == 1 for bodies in upper.bodies.values())
    assert upper.rows() == shelf.rows("indicator_value")
