"""What stands in a row: revisions, statuses, filters."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from cityhub.errors import Stop
from extracts.make import make, make_missing
from extracts.model import Only
from extracts.prune import prune
from extracts.records import changes, records
from extracts.store import Store
from scoring.publication import manifest
from tests.extracts.months import DECEMBER, NOVEMBER, Months


def rows(months: Months, **more: object) -> dict[str, tuple[str, str, int, int | None]]:
    """unit → score, status, revision, supersedes, as of the newest sequence."""
    found = records(months.store, "ranking", at=months.store.latest() or 0, limit=100, **more)  # type: ignore[arg-type]
    return {row["unit"]: (row["score"], row["status"], row["revision"], row["supersedes"]) for row in found}


def test_a_row_that_did_not_change_keeps_the_revision_and_the_moment_of_then(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(NOVEMBER, {"a": "1", "b": "2.5", "c": "3"})
    assert rows(months) == {
        "a": ("1", "provisional", 1, None),
        "b": ("2.5", "provisional", 2, 1),
        "c": ("3", "provisional", 2, None),
    }
    stayed, moved, _ = records(months.store, "ranking", at=2, limit=9)
    assert (stayed["source_as_of"], stayed["published_at"]) == ("2026-11-01", "2027-01-01T00:00:01+08:00")
    assert (moved["source_as_of"], moved["published_at"]) == ("2026-11-02", "2027-01-01T00:00:02+08:00")


def test_a_final_month_is_another_state_of_each_row_and_a_correction_marks_only_what_it_changed(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(NOVEMBER, {"a": "1", "b": "2"}, "final")
    assert rows(months) == {"a": ("1", "final", 2, 1), "b": ("2", "final", 2, 1)}
    months.extract(NOVEMBER, {"a": "1", "b": "3"}, "corrected")
    assert rows(months) == {"a": ("1", "final", 2, 1), "b": ("3", "correction", 3, 2)}
    months.extract(NOVEMBER, {"a": "1.5", "b": "3"}, "corrected")
    assert rows(months) == {"a": ("1.5", "correction", 4, 2), "b": ("3", "correction", 3, 2)}
    made = months.store.manifest(4)
    assert (made.status, made.reason, made.supersedes) == ("correction", "number 4", 3)


def test_changes_between_far_sequences_are_one_a_key(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2", "c": "3"})
    months.extract(NOVEMBER, {"a": "2", "c": "3", "d": "4"})
    months.extract(NOVEMBER, {"a": "1", "b": "2", "c": "3"})
    found = changes(months.store, "ranking", since=1, to=3, limit=9)
    told = [(item["op"], item["key"]["unit"], item["row"] and item["row"]["revision"]) for item in found]
    assert told == [("revise", "a", 3), ("revise", "b", 3)], "the same number again is another revision"
    assert changes(months.store, "ranking", since=3, to=3, limit=9) == []
    assert [item["op"] for item in changes(months.store, "ranking", since=2, to=3, limit=9)] == [
        "revise",
        "insert",
        "delete",
    ]


def test_another_month_does_not_touch_a_month(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1"})
    months.extract(DECEMBER, {"a": "9"})
    store = months.store
    assert store.state("ranking", 1) == {NOVEMBER: 1}
    assert store.state("ranking") == {NOVEMBER: 1, DECEMBER: 2}
    assert store.state("ranking", 0) == {}
    (change,) = changes(store, "ranking", since=1, to=2, limit=9)
    assert (change["op"], change["row"]["period"], change["row"]["score"]) == ("insert", DECEMBER, "9")


def test_filters_hold_for_rows_and_for_what_left_them(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(DECEMBER, {"a": "3", "b": "4"})
    months.extract(NOVEMBER, {"b": "2"})
    assert rows(months, unit="b", period="2026") == {"b": ("4", "provisional", 2, None)}
    assert set(rows(months, period=NOVEMBER)) == {"b"}
    assert rows(months, period="2026-1") == {}, "half a month is none"
    assert rows(months, only=Only(units=frozenset({"a"}))) == {"a": ("3", "provisional", 2, None)}
    assert rows(months, only=Only(units=frozenset())) == {}
    assert rows(months, only=Only(periods=("2026-12",)), unit="a") == {"a": ("3", "provisional", 2, None)}
    assert rows(months, only=Only(periods=("2025-*",))) == {}
    seen = changes(months.store, "ranking", since=2, to=3, only=Only(units=frozenset({"b"})), limit=9)
    assert seen == []
    (gone,) = changes(months.store, "ranking", since=2, to=3, only=Only(periods=("2026-1*",)), limit=9)
    assert (gone["op"], gone["key"]["unit"], gone["row"]) == ("delete", "a", None)


def rewrite(months: Months, number: int, select: str) -> None:
    """Other rows in a publication, as if it had been made with them; `{rows}` stands for those of before."""
    folder = months.settings.publications / f"{number:06d}"
    made, path = manifest.read(folder), folder / "ranking.parquet"
    rows = f"read_parquet('{path}')"
    duckdb.sql(f"COPY ({select.format(rows=rows)}) TO '{path}.new' (FORMAT parquet)")
    path.with_name("ranking.parquet.new").replace(path)
    manifest.write(folder, replace(made, files=(replace(made.files[0], sha256=manifest.sha256(path)),)))


TWICE = "SELECT * FROM {rows} UNION ALL SELECT * FROM {rows}"
KEYLESS = "SELECT * REPLACE (CAST(NULL AS VARCHAR) AS league) FROM {rows}"


@pytest.mark.parametrize(("rows_of", "code"), [(TWICE, "CH-EXT-006"), (KEYLESS, "CH-EXT-012")])
def test_rows_without_a_key_of_their_own_make_no_extract_and_later_numbers_go_on(
    months: Months, rows_of: str, code: str
) -> None:
    months.publish(NOVEMBER, {"a": "1"})
    rewrite(months, 1, rows_of)
    for attempt in (make, lambda settings, _: make_missing(settings)):
        with pytest.raises(Stop, match=code):
            attempt(months.settings, 1)
    assert months.store.sequences() == []
    months.publish(NOVEMBER, {"a": "1"})
    assert make_missing(months.settings) == [2]
    assert make_missing(months.settings) == []
    rewrite(months, 1, "SELECT DISTINCT * REPLACE ('territory' AS league) FROM {rows}")
    assert make_missing(months.settings) == [], "number 2 was signed without it"
    with pytest.raises(Stop, match="CH-EXT-013"):
        make(months.settings, 1)
    assert months.store.sequences() == [2]


def test_a_reader_whose_files_are_pruned_under_it_is_told_that_it_has_expired(months: Months) -> None:
    for number in range(3):
        months.extract(NOVEMBER, {"a": str(number)})
    store = months.store
    (months.store.folder(1) / "ranking.parquet").unlink()
    with pytest.raises(Stop, match="CH-EXT-002"):
        records(store, "ranking", at=1, limit=9)

    class Slow(Store):
        """Reads the state, and then everything older is pruned."""

        def state(self, dataset: str, at: int | None = None) -> dict[str, int]:
            found = super().state(dataset, at)
            prune(months.settings, 1)
            return found

    for read in (
        lambda: records(Slow(store.root), "ranking", at=2, limit=9),
        lambda: changes(Slow(store.root), "ranking", since=2, to=3, limit=9),
    ):
        (store.root / "floor.json").unlink(missing_ok=True)
        with pytest.raises(Stop, match="CH-EXT-003"):
            read()
