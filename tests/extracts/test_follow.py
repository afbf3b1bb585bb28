"""A consumer who follows `changes` holds exactly what the newest extracts say, whatever happens between its pages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhub.errors import Stop
from extracts.prune import prune
from extracts.records import Key, changes, key_of, records
from tests.extracts.months import DECEMBER, NOVEMBER, Months, settings_in

SCORES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["1", "2.5", "3"]), max_size=4)
PUBLISH = st.tuples(
    st.sampled_from([NOVEMBER, DECEMBER]),
    st.one_of(SCORES, SCORES, SCORES, st.none()),  # None: a publication without the dataset leaves it as it was
    st.sampled_from(["provisional", "provisional", "final", "corrected"]),
)
EVENT = st.one_of(PUBLISH, PUBLISH, st.integers(1, 3))  # a number: prune, and keep so many


class Consumer:
    """Somebody who has nothing but pages of rows and of changes."""

    def __init__(self, months: Months, size: int, between: Callable[[], object]) -> None:
        self.months, self.size, self.between = months, size, between
        self.rows: dict[Key, dict[str, Any]] = {}
        self.token = 0
        self.baselines = 0

    def follow(self) -> None:
        """Up to the newest sequence that there was when it began."""
        store = self.months.store  # another reader each time, as after a restart
        to = store.latest() or 0
        after: Key | None = None
        try:
            while page := changes(store, "ranking", since=self.token, to=to, after=after, limit=self.size):
                for change in page:
                    key = tuple(change["key"].values())
                    held = self.rows.pop(key, None)
                    assert (held is None) == (change["op"] == "insert"), change
                    if change["op"] != "delete":
                        assert change["row"] != held, "nothing is told twice"
                        self.rows[key] = change["row"]
                after = tuple(page[-1]["key"].values())
                self.between()
        except Stop as error:
            assert error.code == "CH-EXT-003"
            self.begin_again()
        else:
            self.token = to

    def begin_again(self) -> None:
        """All rows as of the newest sequence; that one may expire too before its last page."""
        self.baselines += 1
        store = self.months.store
        at, after, rows = store.latest() or 0, None, {}
        try:
            while page := records(store, "ranking", at=at, after=after, limit=self.size):
                rows |= {key_of("ranking", row): row for row in page}
                after = key_of("ranking", page[-1])
                self.between()
        except Stop as error:
            assert error.code == "CH-EXT-003"
            self.begin_again()
        else:
            self.rows, self.token = rows, at


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(EVENT, min_size=1, max_size=6), size=st.integers(1, 3), every=st.integers(1, 2))
def test_whoever_follows_the_changes_holds_the_newest_rows(history: list[Any], size: int, every: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        months = Months(settings_in(Path(home)))
        said: dict[str, dict[str, str]] = {}
        waiting, pages = list(history), 0

        def happen() -> None:
            if not waiting:
                return
            event = waiting.pop(0)
            if isinstance(event, int):
                prune(months.settings, event)
            else:
                month, scores, status = event
                months.extract(month, scores, status)
                if scores is not None:
                    said[month] = scores

        def between() -> None:
            nonlocal pages
            pages += 1
            if pages % every == 0:
                happen()

        consumer = Consumer(months, size, between)
        while waiting or consumer.token != (months.store.latest() or 0):
            happen()
            consumer.follow()
        newest = records(months.store, "ranking", at=months.store.latest() or 0, limit=100)
        assert consumer.rows == {key_of("ranking", row): row for row in newest}
        told = {(row["period"], row["unit"]): row["score"] for row in consumer.rows.values()}
        assert told == {(month, unit): score for month, scores in said.items() for unit, score in scores.items()}


def test_a_token_that_has_expired_says_from_where_changes_start(months: Months) -> None:
    for number in range(1, 6):
        months.extract(NOVEMBER if number > 1 else DECEMBER, {"a": str(number)})
    prune(months.settings, 2)
    store = months.store
    assert (store.floor(), [n for n in store.sequences() if store.held(n)]) == (4, [1, 4, 5])
    with pytest.raises(Stop) as caught:
        changes(store, "ranking", since=3, to=5, limit=10)
    assert (caught.value.code, caught.value.place["floor"], caught.value.place["latest"]) == ("CH-EXT-003", 4, 5)
    assert [item["op"] for item in changes(store, "ranking", since=4, to=5, limit=10)] == ["revise"]
    assert [item["op"] for item in changes(store, "ranking", since=0, to=5, limit=10)] == ["insert", "insert"]
    assert [row["score"] for row in records(store, "ranking", at=4, limit=10)] == ["4", "1"]
    for wrong in (-1, 6):
        with pytest.raises(Stop, match="CH-EXT-004"):
            changes(store, "ranking", since=wrong, to=5, limit=10)


def test_pruning_keeps_the_newest_of_each_month_and_the_chain_and_what_follows_is_made(months: Months) -> None:
    months.extract(DECEMBER, {"a": "1"})
    for number in range(4):
        months.extract(NOVEMBER, {"a": str(number)})
    assert prune(months.settings, 1).floor == 5
    assert prune(months.settings, 1).files == 0
    assert prune(months.settings, 4).floor == 5, "a floor never goes down: what was deleted does not come back"
    assert months.extract(DECEMBER, {"a": "1", "b": "2"}) == 6
    rows = {row["unit"]: row["revision"] for row in records(months.store, "ranking", at=6, period=DECEMBER, limit=9)}
    assert rows == {"a": 1, "b": 6}


def test_an_extract_without_a_dataset_leaves_it_as_it_was_also_when_older_ones_are_pruned(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(NOVEMBER, None)
    assert changes(months.store, "ranking", since=1, to=2, limit=9) == []
    months.extract(DECEMBER, None)
    assert prune(months.settings, 1).floor == 3
    assert [row["unit"] for row in records(months.store, "ranking", at=3, limit=9)] == ["a", "b"]
    assert months.extract(NOVEMBER, {"a": "1", "b": "3"}) == 4
    (change,) = changes(months.store, "ranking", since=3, to=4, limit=9)
    assert (change["op"], change["row"]["unit"], change["row"]["supersedes"]) == ("revise", "b", 1)
