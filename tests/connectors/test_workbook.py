"""Scores filled in by hand: merged cells, titles above, one bad cell, the original kept."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from cityhub.errors import Retry, Stop
from connectors.pull import pull
from connectors.sheet import column_name
from tests.connectors.feeds import DAY, quick, records, settings, spec
from warehouse.landing import Manifest

FIELDS: dict[str, Any] = {
    "month": {"from": "月份", "required": True},
    "unit": {"from": "单位", "required": True},
    "campaign": {"from": "item", "required": True},
    "score": {"from": "value", "type": "decimal", "missing": ["", "不适用"]},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "manual"
    path.mkdir()
    return path


def fill(folder: Path, changes: dict[str, Any] | None = None) -> bytes:
    """The month's sheet: two title rows, a heading of two rows, month merged down over two units."""
    book = openpyxl.Workbook()
    page = book.create_sheet("专项考核", 0)
    cells = {
        "A1": "专项考核打分表",
        "A2": "满分100分",
        "A3": "月份",
        "B3": "单位",
        "C3": "专项得分",
        "C4": "架空线路",
        "D4": "道路",
        "A5": "2026-11",
        "B5": "金城街道办事处",
        "C5": 95.5,
        "D5": 90,
        "B6": "五里河镇",
        "C6": "不适用",
        "D6": 88.25,
    }
    for place, value in {**cells, **(changes or {})}.items():
        page[place] = value
    for merged in ("A1:D1", "A2:D2", "A3:A4", "B3:B4", "C3:D3", "A5:A7"):
        page.merge_cells(merged)
    target = io.BytesIO()
    book.save(target)
    (folder / "考核打分_2026-11.xlsx").write_bytes(target.getvalue())
    return target.getvalue()


def get(home: Path, folder: Path, fields: dict[str, Any] | None = None, **more: Any) -> Manifest:
    source = {
        "kind": "workbook",
        "address": str(folder),
        "pattern": "考核打分_{month}.xlsx",
        "sheet": "专项考核",
        "header_row": 4,
        "melt": ["月份", "单位"],
        **more,
    }
    feed = spec(source, fields or FIELDS, ["month", "unit"])
    return pull(settings(home / "hub"), feed, DAY, policy=quick(sleep=lambda _: None))


def lines(manifest: Manifest) -> list[dict[str, Any]]:
    assert [part.format for part in manifest.parts] == ["ndjson"]
    return [json.loads(line) for line in records(manifest, manifest.parts[0]).decode().splitlines()]


def test_a_melted_sheet_gives_a_row_for_each_score(tmp_path: Path, folder: Path) -> None:
    body = fill(folder)
    manifest = get(tmp_path, folder)
    month = {"月份": "2026-11", "_month": "2026-11"}
    assert lines(manifest) == [
        {**month, "单位": "金城街道办事处", "item": "架空线路", "value": "95.5", "_cell": "专项考核!C5"},
        {**month, "单位": "金城街道办事处", "item": "道路", "value": "90", "_cell": "专项考核!D5"},
        {**month, "单位": "五里河镇", "item": "架空线路", "value": "不适用", "_cell": "专项考核!C6"},
        {**month, "单位": "五里河镇", "item": "道路", "value": "88.25", "_cell": "专项考核!D6"},
    ]
    assert manifest.findings == ()
    assert manifest.parts[0].columns == ("月份", "单位", "item", "value", "_cell", "_month")
    original = Path(manifest.folder) / str(manifest.options["original"])
    assert original.read_bytes() == body
    assert manifest.options["original_sha256"] == hashlib.sha256(body).hexdigest()


def test_one_bad_cell_is_named_and_the_others_stay(tmp_path: Path, folder: Path) -> None:
    fill(folder, {"D5": "九十"})
    manifest = get(tmp_path, folder)
    assert manifest.findings == ("专项考核!D5 “九十” is not a number",)
    assert len(lines(manifest)) == 4
    assert lines(manifest)[1]["_cell"] == "专项考核!D5"


def test_whole_rows_where_nothing_is_melted(tmp_path: Path, folder: Path) -> None:
    fill(folder, {"D6": "很多"})
    fields = {
        "month": {"from": "月份"},
        "unit": {"from": "单位", "required": True},
        "road": {"from": "道路", "type": "decimal"},
    }
    manifest = get(tmp_path, folder, fields, melt=None)
    found = lines(manifest)
    assert [(row["单位"], row["道路"], row["_cell"]) for row in found] == [
        ("金城街道办事处", "90", "专项考核!A5"),
        ("五里河镇", "很多", "专项考核!D6"),
    ]
    assert [row["月份"] for row in found] == ["2026-11", "2026-11"]
    assert "专项考核!D6 “很多”" in manifest.findings[0]


def test_a_sheet_without_rows_is_an_empty_delivery(tmp_path: Path, folder: Path) -> None:
    fill(folder, dict.fromkeys(("A5", "B5", "C5", "D5", "B6", "C6", "D6")))
    manifest = get(tmp_path, folder)
    assert lines(manifest) == []


def test_a_wrong_sheet_lists_those_there_are(tmp_path: Path, folder: Path) -> None:
    fill(folder)
    with pytest.raises(Stop) as stopped:
        get(tmp_path, folder, sheet="专项")
    assert stopped.value.code == "CH-PULL-053"
    assert "专项考核, Sheet" in str(stopped.value)
    assert "考核打分_2026-11.xlsx" in str(stopped.value)


def test_a_missing_column_is_named_with_what_the_header_holds(tmp_path: Path, folder: Path) -> None:
    fill(folder, {"B3": "部门"})
    with pytest.raises(Stop) as stopped:
        get(tmp_path, folder)
    assert stopped.value.code == "CH-PULL-058"
    assert "单位" in stopped.value.part("what")
    assert "月份, 部门, 架空线路, 道路" in str(stopped.value)


def test_no_workbook_yet(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(Retry) as failed:
        get(tmp_path, folder)
    assert failed.value.code == "CH-PULL-051"


def test_no_workbook_at_all(tmp_path: Path, folder: Path) -> None:
    (folder / "考核打分_2026-11.xlsx").write_bytes(b"something else")
    with pytest.raises(Stop) as stopped:
        get(tmp_path, folder)
    assert stopped.value.code == "CH-PULL-055"


def test_cells_are_named_as_on_the_screen() -> None:
    assert [column_name(number) for number in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]
