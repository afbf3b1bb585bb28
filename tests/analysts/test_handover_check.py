"""The conformance check: each rule of the contract, broken once, is told with its place and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from cityhub.errors import Stop
from cli.main import app
from scoring.handover.check import check
from scoring.handover.write import hand_over
from tests.analysts.conftest import Town
from tests.analysts.folders import Rows, change, rewrite, rows, seal
from tests.scoring.county import MONTH

pytestmark = pytest.mark.xdist_group("analysts")
DAY = f"{MONTH}-30"
VALUE = "indicator_value"


@pytest.fixture(scope="module")
def whole(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("given") / "whole"
    hand_over(town.county.settings, MONTH, target)
    return target


@pytest.fixture(scope="module")
def day(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("given") / "day"
    hand_over(town.county.settings, DAY, target, formats=["json"])
    return target


@pytest.fixture
def folder(day: Path, tmp_path: Path) -> Path:
    """A day's folder in JSON alone, to be broken."""
    return Path(shutil.copytree(day, tmp_path / "given"))


def of(code: str, unit: str = "jincheng", **new: Any) -> Callable[[Rows], None]:
    """Set columns of one value."""

    def how(found: Rows) -> None:
        next(row for row in found if (row["code"], row["unit_code"]) == (code, unit)).update(new)

    return how


def first(**new: Any) -> Callable[[Rows], None]:
    """Set columns of the first row."""
    return lambda found: found[0].update(new)


def without(*names: str, row: int | None = None) -> Callable[[Rows], None]:
    """Leave columns out, in one row or all."""

    def how(found: Rows) -> None:
        for item in found if row is None else [found[row]]:
            for name in names:
                del item[name]

    return how


MISSING = {"state": "missing", "value": None, "reason": "not delivered"}

BROKEN: list[tuple[str, Callable[[Rows], Any], str, str]] = [
    # dataset, what is done to it, field, problem
    (VALUE, without("coverage"), "coverage", "the column is missing"),
    (VALUE, without("coverage", row=0), "coverage", "is not there"),
    (VALUE, first(numerator=7.5), "numerator", "is not a decimal as text"),
    (VALUE, first(numerator="7,5"), "numerator", "is not a decimal as text"),
    (VALUE, first(numerator="NaN"), "numerator", "is not a decimal as text"),
    (VALUE, first(numerator="1e3"), "numerator", "is not a decimal as text"),
    (VALUE, first(n_valid="11"), "n_valid", "is not a whole number"),
    (VALUE, first(n_valid=-1), "n_valid", "is negative"),
    (VALUE, first(as_of="2026-12-01 03:00:00"), "as_of", "is not a moment with its offset"),
    (VALUE, first(as_of=None), "as_of", "is empty"),
    (VALUE, first(reason=""), "reason", "is not a text that is not empty"),
    (VALUE, first(state="fine"), "state", "is not known"),
    (VALUE, first(period_kind="week"), "period_kind", "is not known"),
    (VALUE, first(period="2026-11-31"), "period", "is no day"),
    (VALUE, first(period_kind="month", period="2026-13"), "period", "is no month"),
    (VALUE, first(period="2026-11-29"), "period", f"lies outside {DAY}"),
    (VALUE, lambda found: found.append(dict(found[0])), "code, unit_code, period_kind, period", "stands in row 1 too"),
    (VALUE, first(code="XXX-99"), "code", "is not in the dataset indicator"),
    (VALUE, first(unit_code="nowhere"), "unit_code", "is not in the dataset unit"),
    (VALUE, first(unit_type="road"), "unit_type", "is territory in the dataset unit"),
    (VALUE, of("LGT-01", value="12.5"), "value", "is not what numerator"),
    (VALUE, of("MUK-01", numerator=None), "numerator", "is empty beside a value"),
    (VALUE, of("LGT-01", denominator="0"), "denominator", "makes no value"),
    (VALUE, of("LGT-01", coverage="1.2"), "coverage", "is no share"),
    (VALUE, of("LGT-01", **MISSING | {"value": "0"}), "value", "stands beside the state missing"),
    (VALUE, of("LGT-01", **MISSING | {"reason": None}), "reason", "is empty beside the state missing"),
    (VALUE, of("LGT-01", state="no_denominator", reason="none"), "value", "stands beside the state no_denominator"),
    (VALUE, of("LGT-01", value=None), "value", "is empty beside the state ok"),
    (VALUE, of("LGT-01", state="provisional"), "reason", "is empty beside the state provisional"),
    (VALUE, first(unit_name="张三 13812345678"), "unit_name", "looks like a personal number"),
    ("indicator", first(direction="up"), "direction", "is not known"),
    ("indicator", first(kind="median"), "kind", "is not known"),
    ("indicator", first(scale="0"), "scale", "is zero"),
    ("indicator", first(min_coverage="50"), "min_coverage", "is no share"),
    ("indicator", first(title_zh=None), "title_zh", "is empty"),
    ("indicator", lambda found: found.append(dict(found[0])), "code", "stands in row 1 too"),
    ("unit", first(valid_from="2026-11-31"), "valid_from", "is not a date"),
    ("unit", first(valid_from="2026-12-01", valid_to="2026-11-01"), "valid_to", "is not after valid_from"),
    ("unit", without("league"), "league", "the column is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("dataset", "how", "field", "problem"), BROKEN, ids=[f"{b[2]}: {b[3]}" for b in BROKEN])
def test_a_broken_rule_is_told_with_its_place(
    folder: Path, dataset: str, how: Callable[[Rows], Any], field: str, problem: str
) -> None:
    change(folder, dataset, how)
    found = [item for item in check(folder) if item.field == field and item.problem.startswith(problem)]
    assert found, check(folder)[:3]
    assert found[0].file == f"{dataset}.json" and found[0].fix
    if "the column is missing" not in problem:
        stated = rows(folder, dataset)[(found[0].row or 0) - 1]
        assert problem == "is not there" or all(name in stated for name in field.split(", "))


def test_a_folder_that_was_just_made_breaks_nothing(whole: Path, folder: Path) -> None:
    assert check(whole) == []
    assert check(folder) == []


HEADS: list[tuple[Callable[[dict[str, Any]], Any], str | None, str]] = [
    (lambda head: head.update(contract="other.feed"), "contract", "is not cityhub.indicators"),
    (lambda head: head.update(version="2.0.0"), "version", "is not supported"),
    (lambda head: head.update(version="1"), "version", "is not supported"),
    (lambda head: head.update(source="guess"), "source", "is not known"),
    (lambda head: head.update(publication=None), "publication", "is no publication's number"),
    (lambda head: head.update(source="working"), "publication", "stands beside source working"),
    (lambda head: head.update(period="2026"), "period", "is neither a month nor a day"),
    (lambda head: head.update(made_at="today"), "made_at", "is no moment"),
    (lambda head: head.pop("producer"), "producer", "is no text"),
    (lambda head: head.pop("files"), "files", "names no files"),
    (lambda head: head["files"].pop(), "files", "no json file of unit"),
    (lambda head: head["files"][0].update(path="../indicator.json"), "files", "is no path inside the folder"),
    (lambda head: head["files"][0].update(format="xlsx"), "format", "is not known"),
    (lambda head: head["files"][0].update(rows=3), None, "holds 89 rows, the manifest says 3"),
    (lambda head: head["files"].append(dict(head["files"][0])), None, "is a second json file of indicator"),
]


@pytest.mark.parametrize(("how", "field", "problem"), HEADS, ids=[problem for _, _, problem in HEADS])
def test_a_manifest_that_is_wrong_is_told(
    folder: Path, how: Callable[[dict[str, Any]], Any], field: str | None, problem: str
) -> None:
    rewrite(folder, how)
    assert [item for item in check(folder) if item.field == field and item.problem.startswith(problem)], check(folder)


def test_files_that_changed_vanished_or_came_are_told(folder: Path) -> None:
    (folder / "unit.json").write_text("[]", encoding="utf-8")
    (folder / "indicator.json").unlink()
    (folder / "notes.txt").write_text("hello", encoding="utf-8")
    (folder / "schema" / "unit.schema.json").unlink()
    told = {item.file: item.problem for item in check(folder)}
    assert told["unit.json"] == "differs from its sha256 in the manifest"
    assert told["indicator.json"] == told["schema/unit.schema.json"] == "is not there"
    assert told["notes.txt"] == "is not in the manifest"
    assert not any("is not in the dataset" in item.problem for item in check(folder))  # one cause is told once


@pytest.mark.parametrize("body", ["[1, 2]", '{"rows": []}', "not json", "[{]"])
def test_a_file_of_another_form_is_told(folder: Path, body: str) -> None:
    (folder / "unit.json").write_text(body, encoding="utf-8")
    rewrite(folder, lambda head: _reseal(head, folder))
    assert any(item.file == "unit.json" for item in check(folder))


def _reseal(head: dict[str, Any], folder: Path) -> None:
    import hashlib

    head["files"][-1]["sha256"] = hashlib.sha256((folder / "unit.json").read_bytes()).hexdigest()


@pytest.mark.parametrize("body", [None, "{", "[]"])
def test_without_a_manifest_that_can_be_read_nothing_else_is_judged(folder: Path, body: str | None) -> None:
    (folder / "manifest.json").unlink()
    if body is not None:
        (folder / "manifest.json").write_text(body, encoding="utf-8")
    assert [item.file for item in check(folder)] == ["manifest.json"]


def test_all_problems_are_told_at_once(folder: Path) -> None:
    change(
        folder,
        VALUE,
        lambda found: [found[0].update(state="fine"), found[1].update(period="x"), found.append(found[2])],
    )
    change(folder, "unit", first(name_zh=None))
    assert len(check(folder)) == 4


def test_a_personal_number_is_not_shown_by_the_finding_itself(folder: Path) -> None:
    change(folder, VALUE, first(unit_name="张三 13812345678"))
    assert "13812345678" not in str(check(folder))
    assert "138****xx" in str(check(folder))


def test_a_later_minor_version_with_more_columns_and_files_is_read(folder: Path) -> None:
    change(folder, VALUE, lambda found: [row.update(weather="晴") for row in found])
    (folder / "weather.json").write_text("[]", encoding="utf-8")

    def later(head: dict[str, Any]) -> None:
        head["version"] = "1.7.0"
        head["files"].append({**head["files"][0], "path": "weather.json", "dataset": "weather"})

    rewrite(folder, later)
    seal(folder)
    assert check(folder) == []


def test_the_columns_of_parquet_are_judged_by_type(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "given"
    shutil.copytree(whole, target)
    path = target / "indicator_value.parquet"
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute(
        f"COPY (SELECT * EXCLUDE (n_valid) REPLACE (CAST(numerator AS VARCHAR) AS numerator, "
        f"CAST(as_of AS TIMESTAMP) AS as_of, CASE WHEN code = 'LGT-01' THEN 'nan'::DOUBLE ELSE value END AS value) "
        f"FROM read_parquet('{whole / path.name}')) TO '{path}' (FORMAT parquet)"
    )
    seal(target)
    told = {(item.field, item.problem) for item in check(target)}
    assert ("numerator", "is VARCHAR") in told
    assert ("as_of", "is TIMESTAMP") in told
    assert ("n_valid", "the column is missing") in told
    assert ("value", "is no finite number") in told


def test_decimals_of_parquet_may_be_exact_ones(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "given"
    shutil.copytree(whole, target)
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(min_coverage AS DECIMAL(9, 4)) AS min_coverage) FROM "
        f"read_parquet('{whole}/indicator.parquet')) TO '{target}/indicator.parquet' (FORMAT parquet)"
    )
    seal(target)
    assert check(target) == []


def test_two_formats_that_say_something_else_are_told(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "given"
    shutil.copytree(whole, target)
    change(target, "unit", lambda found: [found[0].update(name_en="Elsewhere"), found.pop()])
    told = [(item.file, item.field) for item in check(target) if "write both" in item.fix]
    assert told == [("unit.json", "name_en"), ("unit.parquet", None)]


def test_the_command_ends_with_one_and_tells_programs_everything(folder: Path) -> None:
    fine = CliRunner().invoke(app, ["handover", "check", str(folder)])
    assert (fine.exit_code, "keeps the contract" in fine.stdout) == (0, True)
    change(folder, VALUE, first(state="fine"))
    bad = CliRunner().invoke(app, ["handover", "check", str(folder), "--json"])
    answer = json.loads(bad.stdout)
    assert (bad.exit_code, answer["conforms"]) == (1, False)
    assert answer["findings"][0]["field"] == "state" and answer["findings"][0]["row"] == 1
    assert answer["findings"][0]["value"] == "fine" and answer["findings"][0]["fix"].startswith("one of ok")


def test_a_folder_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Stop) as refused:
        check(tmp_path / "nowhere")
    assert refused.value.code == "CH-HAND-005"
