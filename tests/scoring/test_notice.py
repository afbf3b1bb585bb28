"""The notice on paper is the publication to the digit, says what it is on each page, and takes no text for code."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from scoring.month import score_month
from scoring.notice.make import Report, report
from scoring.notice.published import clean
from scoring.publication import manifest
from scoring.publish import Publication, publish
from tests.scoring import paper
from tests.scoring.county import DEPARTMENTS, MONTH, TERRITORIES, County
from warehouse import lake

pytestmark = pytest.mark.xdist_group("scoring-notice")

EVIL = {"unit": '=HYPERLINK("x")#let a[*b*]$c$', "evidence": "+cmd|'/C calc'!A0", "event": "@SUM(1)<w:p/>"}


@dataclass(frozen=True)
class Made:
    """A publication with its three files."""

    publication: Publication
    files: dict[str, Report]

    def path(self, kind: str) -> Path:
        return Path(self.files[kind].path)

    def rows(self, dataset: str) -> list[dict[str, str]]:
        with (Path(self.publication.folder) / f"{dataset}.csv").open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))


@pytest.fixture(scope="module", autouse=True)
def over() -> Iterator[None]:
    """The month is over."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CITYHUB_NOW", "2026-12-03T09:00:00+08:00")
    yield
    patch.undo()


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, over: None) -> County:
    """Two months; in November a department lacks an office's score, another has a provisional indicator."""
    county = County(tmp_path_factory.mktemp("county"))
    county.manual_tables()
    for month in ("2026-10", MONTH):
        county.scores(month, but={"chengjiao": "61.37"})
        county.indicators(month, value=88.123456789)
    county.event("E1", "B1", "juji", level="national")
    county.event(EVIL["event"], "D3", "wulihe")
    evil = EVIL["unit"].replace("'", "''")
    evidence = EVIL["evidence"].replace("'", "''")
    county.run(
        f"UPDATE unit SET name_zh = '{evil}' WHERE unit_code = 'wulihe'",
        f"UPDATE manual_event SET evidence = '{evidence}' WHERE rule = 'D3'",
        f"DELETE FROM manual_office WHERE unit = 'gaj' AND office = 'peace' AND month = '{MONTH}'",
        "UPDATE indicator_value SET state = 'provisional', reason = 'gas.user is held on 1 days'"
        f" WHERE code = 'GAS-03' AND unit_code = 'juji' AND period = '{MONTH}'",
        "INSERT INTO indicator (code, platform, title_zh, title_en, unit, direction, formula, kind, roll_up, source,"
        " confidence, definition_sha256) VALUES ('GAS-03', 'gas', '燃气入户安检率', 'x', '%', 'higher', 'f', 'ratio',"
        " 'sum', 'proposed by this project', 'proposed', 'd')",
        "INSERT INTO delivery (feed, platform, service_day, state, quarantined) VALUES"
        " ('gas.user', 'gas', DATE '2026-11-19', 'published', 3), ('gas.user', 'gas', DATE '2026-11-20', 'held', 0)",
    )
    score_month(county.settings, "2026-10", date(2026, 10, 31))
    return county


def made(county: County, tmp: Path, reason: str | None = None, **decided: Any) -> Made:
    score_month(county.settings, MONTH, date(2026, 11, 30))
    published = publish(county.settings, MONTH, date(2026, 11, 30), reason, **decided)
    assert published.new
    files = report(county.settings, MONTH, out=tmp / str(published.number))
    return Made(published, {item.format: item for item in files})


@pytest.fixture(scope="module")
def drafts(county: County, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Made, Made]:
    """The same month: provisional with gaps, final after they were filled, corrected."""
    tmp = tmp_path_factory.mktemp("papers")
    first = made(county, tmp)
    county.run(
        f"INSERT INTO manual_office VALUES (DATE '{MONTH}-01', NULL, '{MONTH}', 'peace', 'gaj', 90, 'L1')",
        f"UPDATE indicator_value SET state = 'ok', reason = NULL WHERE code = 'GAS-03' AND period = '{MONTH}'",
    )
    second = made(county, tmp, "考评办公室定稿", status="final", approved_by="王主任")
    county.run("UPDATE manual_office SET score = 91.5 WHERE unit = 'jincheng' AND office = 'peace'")
    return first, second, made(county, tmp, "县综治办更正得分", corrected_by="李科长")


@pytest.fixture
def provisional(drafts: tuple[Made, Made, Made]) -> Made:
    return drafts[0]


@pytest.fixture
def final(drafts: tuple[Made, Made, Made]) -> Made:
    return drafts[1]


def test_each_page_says_which_publication_it_is(drafts: tuple[Made, Made, Made]) -> None:
    for item, status in zip(drafts, ("暂定", "定稿", "更正"), strict=True):
        found = paper.pages(item.path("pdf").read_bytes())
        at = datetime.fromisoformat(item.publication.published_at)
        head = f"发布第{item.publication.number:06d}号{status}发布时间{at:%Y-%m-%d%H:%M}数据截至2026-11-30"
        for number, page in enumerate(found, 1):
            assert head in _solid(page), f"page {number}"
            assert item.publication.sha256 in page and f"共{len(found)}页" in _solid(page)
            assert f"—{number}—" in _solid(page)
        word = paper.document(item.path("docx"))
        section = word.sections[0]
        for header, footer in (
            (section.header, section.footer),
            (section.even_page_header, section.even_page_footer),
        ):
            assert head in _solid(header.paragraphs[0].text)
            assert item.publication.sha256 in footer.paragraphs[1].text
            fields = re.findall(r"instrText[^>]*>([A-Z]+)<", footer._element.xml)
            assert fields == ["PAGE", "NUMPAGES"]
        for sheet in paper.book(item.path("xlsx")):
            assert head in _solid(sheet.oddHeader.left.text) and item.publication.sha256 in sheet.oddFooter.left.text


def _solid(text: str) -> str:
    return re.sub(r"[\s　]", "", text)


def test_numbers_are_those_of_the_publication_to_the_digit(drafts: tuple[Made, Made, Made]) -> None:
    for item in drafts:
        text = _solid("".join(paper.pages(item.path("pdf").read_bytes())))
        tables = paper.cells(paper.document(item.path("docx")))
        sheets = {sheet.title: list(sheet.values) for sheet in paper.book(item.path("xlsx"))}
        parts = {(row["unit_code"], row["component"]): row for row in item.rows("score")}
        for row in item.rows("ranking"):
            league = "属地单位" if row["unit_code"] in TERRITORIES else "县直相关单位"
            head, *lines = sheets[league]
            (line,) = [dict(zip(head, values, strict=True)) for values in lines if values[1] == row["unit_name"]]
            (printed,) = [cells for cells in tables[0 if league == "属地单位" else 1] if cells[1] == row["unit_name"]]
            assert str(line["名次"]) == printed[0] == (row["rank"] or "—")
            if not row["score"]:
                assert line["成绩"] == line["成绩（全部位数）"] == printed[2] == "缺"
                continue
            shown = json.loads(row["trace"])["shown"]
            assert Decimal(line["成绩（全部位数）"]) == Decimal(row["score"])
            assert Decimal(str(line["成绩"])) == Decimal(shown) and printed[2] == shown
            assert _solid(f"{row['rank']}{row['unit_name']}{shown}{row['grade']}") in text
            digital = parts[row["unit_code"], "digital"]
            assert line["数字城管月度考核得分（50%）"] == pytest.approx(float(digital["value"]), abs=1e-12)


def test_a_missing_number_is_not_zero_and_a_provisional_one_is_marked(provisional: Made) -> None:
    tables = paper.cells(paper.document(provisional.path("docx")))
    heads = [table[0] for table in tables]
    parts = [table for table in tables if table[0][-2:] == ["加减分", "成绩"]]
    (gaj,) = [row for row in parts[1] if row[0] == DEPARTMENTS["gaj"]]
    assert gaj[3] == "缺" and gaj[-1] == "缺"
    (juji,) = [row for row in parts[0] if row[0] == TERRITORIES["juji"]]
    assert juji[1].endswith(" 暂")
    gaps = next(table for table, head in zip(tables, heads, strict=True) if head == ["项目", "状态", "单位", "原因"])
    assert ["GAS-03 燃气入户安检率", "暂定", TERRITORIES["juji"], "gas.user 有 1 天待核"] in gaps
    assert any(row[:3] == ["县综治平安建设考核成绩", "缺", DEPARTMENTS["gaj"]] for row in gaps)
    feeds = next(table for table in tables if table[0][0] == "数据源")
    assert feeds[1] == ["gas.user", "1/2", "待核 1 天（2026-11-20）", "3"]
    fired = next(table for table in tables if table[0][:3] == ["规则", "单位", "措施"])
    assert {row[4] for row in fired[1:]} == {"暂定，未生效"}
    head, *lines = list(paper.book(provisional.path("xlsx"))["县直相关单位"].values)
    line = dict(zip(head, next(row for row in lines if row[1] == DEPARTMENTS["gaj"]), strict=True))
    assert (line["县综治平安建设考核成绩（2%）"], line["成绩"], line["状态"]) == ("缺", "缺", "暂定")
    text = _solid("".join(paper.pages(provisional.path("pdf").read_bytes())))
    assert "奖惩尚未生效，不得作为兑现依据" in text and f"{DEPARTMENTS['gaj']}缺" in text


def test_a_final_notice_lists_what_fires_with_rule_clause_and_money(final: Made) -> None:
    fired = final.rows("consequence")
    assert {"R1", "R3", "P1", "P3"} <= {row["rule"] for row in fired}
    tables = paper.cells(paper.document(final.path("docx")))
    printed = next(table for table in tables if table[0][:3] == ["规则", "单位", "措施"])[1:]
    assert len(printed) == len(fired)
    told = {(row[0], row[1]): row for row in printed}
    text = _solid("".join(paper.pages(final.path("pdf").read_bytes())))
    for row in fired:
        line = told[row["rule"], row["unit_name"]]
        money = Decimal(row["money_yuan"])
        assert line[3] == (f"{money:,.2f}" if money else "—")
        assert line[4:] == ["生效", row["clause"]] and _solid(row["clause"]) in text
    money = sum(Decimal(row["money_yuan"]) for row in fired)
    assert f"均已生效；奖金合计{money:,.2f}元" in text and "暂定" not in text.split("附件1")[0].replace("“暂定”", "")
    assert "P5（七（一）纳入文明城市创建和文明单位动态管理）由考评机构决定" in text


def test_a_correction_says_what_it_replaces_and_why(drafts: tuple[Made, Made, Made]) -> None:
    text = _solid("".join(paper.pages(drafts[2].path("pdf").read_bytes())))
    assert "（更正）" in text and "代替第000002号发布。更正理由：县综治办更正得分" in text


def test_events_stand_with_the_number_of_their_evidence(final: Made) -> None:
    (table,) = [
        table
        for table in paper.cells(paper.document(final.path("docx")))
        if table[0][0] == "编号" and len(table[0]) == 8
    ]
    assert [row[0] for row in table[1:]] == [EVIL["event"], "E1"] or [row[0] for row in table[1:]] == [
        "E1",
        EVIL["event"],
    ]
    told = {row[2]: row for row in table[1:]}
    assert (told["B1"][4], told["B1"][5], told["B1"][7]) == ("考字1号", "2026-11-10", "+2")
    assert told["D3"][7] == "-2" and told["D3"][4] == EVIL["evidence"]


def test_no_text_becomes_code(final: Made) -> None:
    text = _solid("".join(paper.pages(final.path("pdf").read_bytes())))
    for value in EVIL.values():
        assert _solid(value) in text
    assert EVIL["unit"] in [
        cell for table in paper.cells(paper.document(final.path("docx"))) for row in table for cell in row
    ]
    seen = set()
    for sheet in paper.book(final.path("xlsx")):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"{sheet.title}!{cell.coordinate}"
                if isinstance(cell.value, str) and cell.value[0] in "=+-@":
                    assert cell.quotePrefix
                    seen.add(cell.value)
    assert seen >= set(EVIL.values())


def test_the_same_publication_gives_the_same_bytes(
    county: County, final: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2027-03-01T08:00:00+08:00")
    again = report(county.settings, MONTH, number=final.publication.number, out=tmp_path)
    for item in again:
        assert Path(item.path).read_bytes() == final.path(item.format).read_bytes(), item.format
    at = datetime.fromisoformat(final.publication.published_at).astimezone(UTC)
    for kind in ("docx", "xlsx"):
        with zipfile.ZipFile(final.path(kind)) as archive:
            times = {entry.date_time for entry in archive.infolist()}
            assert times == {(at.year, at.month, at.day, at.hour, at.minute, at.second // 2 * 2)}
            assert f"{at:%Y-%m-%dT%H:%M:%SZ}".encode() in archive.read("docProps/core.xml")


def test_the_pdf_is_a4_and_carries_its_font(final: Made) -> None:
    body = final.path("pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox\[0 0 ([\d.]+) ([\d.]+)\]", body)
    assert len(boxes) == len(paper.pages(body))
    assert {(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes} == {(210, 297)}
    fonts = set(re.findall(rb"/BaseFont/([A-Z]{6}\+[\w-]+)", body))
    assert {font.split(b"+")[1].removesuffix(b"-Identity-H") for font in fonts} == {b"NotoSansCJKsc-Regular"}
    assert len(re.findall(rb"/FontFile3 \d+ 0 R", body)) == len(re.findall(rb"/Type/FontDescriptor", body)) == 1


def test_the_head_of_a_table_is_repeated_on_its_next_page(final: Made) -> None:
    found = [_solid(page) for page in paper.pages(final.path("pdf").read_bytes())]
    heads = [page for page in found if "开关编号问题取值默认" in page]
    assert len(heads) == 2 and "附件1" in heads[0] and "附件1" not in heads[1]


def test_the_docx_is_a4_with_heads_repeated_and_no_row_torn(final: Made) -> None:
    word = paper.document(final.path("docx"))
    section = word.sections[0]
    sizes = (section.page_width, section.page_height, section.top_margin, section.bottom_margin,
             section.left_margin, section.right_margin)  # fmt: skip
    assert [round(size.mm) for size in sizes] == [210, 297, 37, 35, 28, 26]
    for table in word.tables:
        heads = [bool(row._tr.xpath("./w:trPr/w:tblHeader")) for row in table.rows]
        assert heads[0] and not any(heads[1:])
        assert all(row._tr.xpath("./w:trPr/w:cantSplit") for row in table.rows)
    runs = [run for line in word.paragraphs for run in line.runs]
    assert all(run._r.xpath("./w:rPr/w:rFonts/@w:eastAsia") for run in runs if run.text.strip())


def test_the_xlsx_prints_on_a4_landscape_with_a_frozen_head(final: Made) -> None:
    book = paper.book(final.path("xlsx"))
    assert book.sheetnames == ["属地单位", "县直相关单位", "加分减分", "奖惩", "缺项与暂定项", "依据"]
    for sheet in book:
        setup = sheet.page_setup
        assert (setup.orientation, int(setup.paperSize), int(setup.fitToWidth)) == ("landscape", 9, 1)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.freeze_panes and sheet.print_title_rows == "$1:$1"
    basis = {row[0]: row[1] for row in book["依据"].values}
    assert basis["清单 SHA-256"] == final.publication.sha256 and basis["状态"] == "定稿"
    assert any(key.startswith("QA2 ") and "hold" in value for key, value in basis.items())


def test_what_paper_cannot_show_does_not_reach_it() -> None:
    assert clean("甲\x00乙\u202e丙\r\n丁\ud800") == "甲乙丙 丁"


@pytest.fixture
def elsewhere(final: Made, tmp_path: Path) -> Iterator[Settings]:
    """The publications alone, copied to a place without a warehouse."""
    root = tmp_path / "publications"
    shutil.copytree(Path(final.publication.folder).parent, root, symlinks=True)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    yield lake.Settings(tmp_path, tmp_path / "feeds", str(tmp_path / "no.sqlite"), str(tmp_path / "none"))


def test_published_files_alone_are_read_and_only_whole_ones(elsewhere: Settings, final: Made) -> None:
    number = final.publication.number
    (made,) = report(elsewhere, MONTH, number=number, formats=["xlsx"])
    assert Path(made.path).read_bytes() == final.path("xlsx").read_bytes()
    damaged = manifest.folder_of(elsewhere.publications, number) / "score.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    with pytest.raises(HubError) as refusal:
        report(elsewhere, MONTH, number=number, formats=["xlsx"])
    assert refusal.value.code == "CH-PUB-004"


@pytest.mark.parametrize(
    ("month", "number", "formats", "code"),
    [
        ("2025-01", None, ["pdf"], "CH-REPORT-001"),
        ("2026-10", 1, ["pdf"], "CH-REPORT-002"),
        (MONTH, 99, ["pdf"], "CH-PUB-001"),
        (MONTH, None, ["odt"], "CH-REPORT-004"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(
    county: County, final: Made, tmp_path: Path, month: str, number: int | None, formats: list[str], code: str
) -> None:
    with pytest.raises(HubError) as refusal:
        report(county.settings, month, number=number, formats=formats, out=tmp_path / "out")
    assert refusal.value.code == code and not (tmp_path / "out").exists()
