"""Each case of the suite can fail: a hub with the defect that the case is there for does not pass it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import cityhub.errors
import conformance.mortal
import connectors.rest_paging
import warehouse.compile
import warehouse.drift
import warehouse.ledger
import warehouse.load
import warehouse.merge
import warehouse.personal.edge
from tests.conformance.kit import BODY, FIELDS, GOOD, outcome, spec

Patch = pytest.MonkeyPatch
DAILY: dict[str, Any] = {"key": ["id"], "day_from": "ts"}


def nothing(*_: Any, **__: Any) -> None:
    """What a forgotten step does."""


def loads_again(patch: Patch) -> None:
    patch.setattr(warehouse.load, "_before", nothing)


def keeps_repeats(patch: Patch) -> None:
    def select(con: duckdb.DuckDBPyConnection, _: Any) -> int:
        con.execute("CREATE OR REPLACE TEMP VIEW hub_good AS SELECT *, rowid AS __row FROM temp.hub_stage")
        return 0

    patch.setattr(warehouse.load, "select_good", select)
    patch.setattr(warehouse.merge, "_check_keys", nothing)
    patch.setattr(connectors.rest_paging.Pager, "keeps", lambda *_: True)


def forgets_failures(patch: Patch) -> None:
    patch.setattr(warehouse.ledger, "record_failure", nothing)


def ends_at_a_repeated_page(patch: Patch) -> None:
    patch.setattr(connectors.rest_paging.Pager, "keeps", lambda self, page, number, _: number == 1 and page.count > 0)


def tells_nothing(patch: Patch) -> None:
    patch.setattr(connectors.rest_paging.Pager, "finish", nothing)
    patch.setattr(warehouse.load, "_findings", lambda *_: [])


def sees_no_columns(patch: Patch) -> None:
    patch.setattr(warehouse.drift, "columns", lambda *_: warehouse.drift.Columns())


def takes_anything(patch: Patch) -> None:
    sees_no_columns(patch)
    patch.setattr(warehouse.compile, "needed", lambda *_: False)


def marks_no_day(patch: Patch) -> None:
    patch.setattr(warehouse.load, "_mark_days", nothing)


def verdict(was: str, becomes: str) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        judge = warehouse.merge._judge

        def wrong(con: duckdb.DuckDBPyConnection, *more: Any, **how: Any) -> None:
            judge(con, *more, **how)
            con.execute(f"UPDATE temp.hub_verdict SET verdict = '{becomes}' WHERE verdict = '{was}'")

        patch.setattr(warehouse.merge, "_judge", wrong)

    return plant


def protects_nobody(patch: Patch) -> None:
    patch.setattr(warehouse.personal.edge, "of", nothing)


def empties_the_others(patch: Patch) -> None:
    record = warehouse.ledger.record_failure

    def wrong(settings: Any, *more: Any) -> None:
        record(settings, *more)
        from warehouse import lake

        con = lake.connect(settings)
        with lake.write(con, settings, "defect"):
            con.execute("DELETE FROM quarantine")
        con.close()

    patch.setattr(warehouse.ledger, "record_failure", wrong)


def shows_half_a_load(patch: Patch) -> None:
    def run(_: Any, feed: str, day: Any, point: Any) -> bool:
        from cityhub import settings
        from warehouse import lake

        con = lake.connect(settings.load())
        table = f"mk_canned_{feed.rpartition('_')[2]}"
        with lake.write(con, settings.load(), "half"):
            con.execute(f"DELETE FROM {table} WHERE id = 'A0001'")
        con.close()
        return True

    patch.setattr(conformance.mortal.Mortal, "run", run)


DEFECTS: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "loads the same content again": ("second_run", loads_again),
    "lets half a load be seen": ("killed", shows_half_a_load),
    "stores a repeated row twice": ("duplicated_page", keeps_repeats),
    "forgets a refused delivery": ("truncated_page", forgets_failures),
    "takes a repeated page for the end": ("repeated_page", ends_at_a_repeated_page),
    "does not compare totals": ("wrong_total", tells_nothing),
    "does not tell of new columns": ("column_added", sees_no_columns),
    "does not tell of missing columns": ("column_missing", sees_no_columns),
    "takes rows without a key": ("column_required", takes_anything),
    "does not mark the day of a late row": ("late_row", marks_no_day),
    "leaves a corrected row as it was": ("corrected_row", verdict("changed", "same")),
    "lets an older version replace a newer one": ("older_version", verdict("older", "changed")),
    "stores values of people": ("personal", protects_nobody),
    "touches other feeds when one fails": ("others_untouched", empties_the_others),
}


SAMPLE = {"lets half a load be seen", "does not tell of new columns", "stores values of people"}


@pytest.mark.parametrize(
    "defect", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.full) for name in DEFECTS]
)
def test_a_hub_that(defect: str, tmp_path: Path, monkeypatch: Patch) -> None:
    case, plant = DEFECTS[defect]
    plant(monkeypatch)
    result = outcome(tmp_path, case)
    assert result.outcome == "failed", result.detail
    assert result.concerns


def test_secrets_in_errors_fail_the_case_of_secrets(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(cityhub.errors, "redact", lambda text: text)
    # A feed with personal fields quotes no source in its errors at all, so that nothing would show there.
    fields = {name: field for name, field in FIELDS.items() if name != "phone"}
    result = outcome(tmp_path, "secrets", spec(fields=fields))
    assert result.outcome == "failed", result.detail
    assert "canned_password in an error" in result.detail


@pytest.mark.full
def test_closed_rows_that_stay_fail_the_case_of_deletes(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(warehouse.merge, "_close_missing", nothing)
    result = outcome(tmp_path, "deletes", spec(identity={**DAILY, "deletes": "full_compare"}))
    assert result.outcome == "failed", result.detail


@pytest.mark.full
def test_tombstones_that_remove_nothing_fail_the_case_of_deletes(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(warehouse.merge, "apply_tombstones", lambda *_: [])
    buried = {**BODY["identity"], "deletes": "tombstone", "tombstone": {"state": ["removed"]}}
    result = outcome(tmp_path, "deletes", spec(identity=buried))
    assert result.outcome == "failed", result.detail


def test_an_example_that_does_not_hold_concerns_whoever_writes_the_spec(tmp_path: Path) -> None:
    result = outcome(tmp_path, "examples", spec(examples=[{"given": GOOD, "expect": {"v": 13}}]))
    assert (result.outcome, result.detail) == ("failed", "v is 12.5, the example expects 13")
    assert "张三" in str(result.concerns)


def test_a_feed_with_nothing_to_make_a_sample_of_is_told_what_to_do(tmp_path: Path) -> None:
    result = outcome(tmp_path, "second_run", spec(examples=[]))
    assert result.outcome == "failed"
    assert "cityhub feed record muck.canned" in result.detail
