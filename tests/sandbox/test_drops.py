"""Files as vendors and clerks make them, byte for byte the same for a seed."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from sandbox import drops
from sandbox.platforms import assessment
from tests.sandbox.cities import DAY, world


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    one, two = (drops.write(world(), tmp_path / name) for name in ("a", "b"))
    for kind in ("drop_dir", "manual_dir"):
        assert digests(Path(one[kind])) == digests(Path(two[kind]))
    assert f"考核打分_{DAY:%Y-%m}.xlsx" in digests(Path(one["manual_dir"]))


def test_trees_are_gb18030_with_a_mark_and_a_decimal_comma(tmp_path: Path) -> None:
    made = drops.write(world(), tmp_path)
    body = (Path(made["drop_dir"]) / f"gl_tree_{DAY:%Y%m%d}.csv").read_bytes()
    assert body.startswith("\ufeff".encode("gb18030"))
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(body.decode("gb18030")[1:]), delimiter=";"))
    assert all("," in row["经度"] and "." not in row["经度"] for row in rows if row["经度"] != "N/A")
    assert any(row["胸径(cm)"] == "N/A" for row in rows)


def test_tasks_have_spaces_between_thousands(tmp_path: Path) -> None:
    made = drops.write(world(scale=10.0), tmp_path)
    text = (Path(made["drop_dir"]) / f"gl_task_{DAY:%Y%m%d}.csv").read_bytes().decode("gb18030")
    rows = csv.DictReader(io.StringIO(text[1:]), delimiter=";")
    assert any(" " in row["计划量(亩)"] for row in rows)


def test_roads_and_meters_have_full_width_digits(tmp_path: Path) -> None:
    made = drops.write(world(), tmp_path)
    roads = (Path(made["drop_dir"]) / f"道路清扫台账_{DAY:%Y%m%d}.csv").read_bytes()
    assert roads.startswith("\ufeff".encode("gb18030")) and "１" in roads.decode("gb18030")
    meters = (Path(made["drop_dir"]) / f"water_meter_{DAY:%Y%m%d}.csv").read_text(encoding="utf-8")
    reading = next(csv.DictReader(io.StringIO(meters)))["累计读数(m³)"]
    assert set(reading) <= set("０１２３４５６７８９．－")


def test_pests_have_a_title_row_and_times_in_three_forms(tmp_path: Path) -> None:
    made = drops.write(world(scale=1.0), tmp_path)
    book = openpyxl.load_workbook(Path(made["drop_dir"]) / f"gl_pest_{DAY:%Y%m%d}.xlsx")
    page = book["病虫害"]
    assert page["A1"].value == "杞县园林病虫害防治台账"
    assert [cell.value for cell in page[2]][:3] == ["编号", "病虫害种类", "发现时间"]
    found = {type(page.cell(row, 3).value) for row in range(3, page.max_row + 1)}
    assert {float, datetime, str} <= found


def test_score_workbook_has_merged_heads_and_every_score(tmp_path: Path) -> None:
    city = world()
    made = drops.write(city, tmp_path)
    book = openpyxl.load_workbook(Path(made["manual_dir"]) / f"考核打分_{DAY:%Y-%m}.xlsx")
    assert book.sheetnames == ["专项考核", "办公室考核", "数字城管", "加减分"]
    page = book["专项考核"]
    merged = {str(area) for area in page.merged_cells.ranges}
    assert {"A1:K1", "A3:A4", "C3:J3", "A5:A14", "K5:K8", "K9:K14"} <= merged
    assert page["A5"].value == "2026-11" and page["A6"].value is None
    head = [page.cell(4, column).value for column in range(3, 11)]
    assert head == list(assessment.CAMPAIGNS)
    wanted = {(row["单位"], row["item"]): row["value"] for row in assessment.specials(city).to_pylist()}
    for line in range(5, 15):
        for place, campaign in enumerate(head):
            value = page.cell(line, 3 + place).value
            shown = value if isinstance(value, str) else f"{float(value):.1f}"
            assert shown == wanted[page.cell(line, 2).value, campaign]
    assert book["数字城管"].max_row == 2  # title and heads only


def test_scores_spread_over_all_grades_and_events_try_cap_and_levels() -> None:
    rows = assessment.specials(world()).to_pylist()
    means = {}
    for unit in assessment.UNITS:
        own = [float(row["value"]) for row in rows if row["单位"] == unit and row["value"] != "不适用"]
        means[unit] = sum(own) / len(own)
    for group in (assessment.TERRITORIES, assessment.DEPARTMENTS):
        values = [means[unit] for unit in group]
        assert any(v >= 90 for v in values) and any(85 <= v < 90 for v in values)
        assert any(75 <= v < 85 for v in values) and any(v < 75 for v in values)
    events = assessment.events(world()).to_pylist()
    assert any(row["条款"] == "B3" and int(row["次数"]) * 0.5 > 3 for row in events)
    assert any(row["条款"] == "D1" for row in events)
    honours = [row for row in events if row["条款"] == "B1"]
    assert len({row["事件编号"] for row in honours}) == 1 and {row["级别"] for row in honours} == {
        "省级",
        "市级",
    }


def test_earlier_day_has_files_of_its_own_and_does_not_take_the_workbook_back(tmp_path: Path) -> None:
    made = drops.write(world(), tmp_path)
    book = Path(made["manual_dir"]) / f"考核打分_{DAY:%Y-%m}.xlsx"
    before = book.read_bytes()
    made.ensure_day(DAY - timedelta(days=10))
    made.ensure_day(DAY - timedelta(days=30))
    made.ensure_day(DAY + timedelta(days=1))
    assert book.read_bytes() == before
    assert sorted(path.name for path in Path(made["manual_dir"]).iterdir()) == [
        "考核打分_2026-10.xlsx",
        "考核打分_2026-11.xlsx",
    ]
    days = {path.stem.split("_")[-1] for path in Path(made["drop_dir"]).glob("gl_tree_*")}
    assert days == {"20261021", "20261110", "20261120"}


def test_dead_and_garbage_platforms(tmp_path: Path) -> None:
    made = drops.write(world("landscaping.tree=dead", "water.meter=garbage"), tmp_path)
    names = digests(Path(made["drop_dir"]))
    assert f"gl_tree_{DAY:%Y%m%d}.csv" not in names
    assert (Path(made["drop_dir"]) / f"water_meter_{DAY:%Y%m%d}.csv").read_bytes().startswith(b"<!DOCTYPE html>")
