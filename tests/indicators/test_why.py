"""`cityhub why`: every state of a value has its chain, and each sentence names what it rests on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Usage
from cityhub.settings import Settings
from indicators import engine
from indicators.definitions import FOLDER
from indicators.why.answer import why
from indicators.why.sentence import Answer, Reference, Sentence
from tests.indicators import city
from warehouse import lake
from warehouse.landing import Manifest, Part

FEED, TABLE = "sanitation.route_task", "san_route_task"
CARRIED = "sanitation.community"
GOOD, FAILED, HELD, THIN, UPLOADED, LATE = (date(2026, 11, day) for day in range(16, 22))
LOAD = "20261117T011500000-aaaa"

pytestmark = pytest.mark.xdist_group("indicators-why")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The definitions of one platform; one of them has values of weeks and heating seasons, too."""
    made = tmp_path_factory.mktemp("definitions") / "indicators"
    made.mkdir()
    before, code, after = (FOLDER / "sanitation.yaml").read_text(encoding="utf-8").partition("code: SAN-06")
    wider = re.sub(r"time: \[day, month", "time: [day, week, month, season", after, count=1)
    assert wider != after
    (made / "sanitation.yaml").write_text(before + code + wider, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Settings:
    """Six days of one feed, each with another fate, computed night by night; and a feed that carries forward."""
    made = city.build(tmp_path_factory.mktemp("city"), [FEED, CARRIED])
    spec = made.feeds / f"{CARRIED}.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "arrives: {fallback: carry_forward}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYHUB_NOW", "2026-11-22T09:00:00+08:00")
        con = lake.connect(made)
        for day in (GOOD, HELD, UPLOADED):
            tasks(con, day, 8, 9)
        tasks(con, THIN, 8, None)
        ledger(con, FAILED, "failed", error_code="CH-PULL-051", error="nothing came", whose_move="县城管局 张三 123")
        ledger(con, HELD, "held", loaded=2, error_code="CH-QUAL-002", error="critical checks failed")
        ledger(con, LATE, "expected", expected_by="2026-11-22 06:00:00+08:00", whose_move="县城管局 张三 123")
        by_hand = "manual = 'upload', manual_by = '王五', manual_why = '平台停机'"
        con.execute(f"UPDATE delivery SET {by_hand} WHERE service_day = ?", [UPLOADED])
        con.execute(
            "INSERT INTO quality_result VALUES (?, ?, 'between.done_km', 'between', 'done_km', 'critical', FALSE,"
            " FALSE, 'max 90', 'max 60', 3, 40, 'done_km is out of bounds', now())", [FEED, HELD]
        )  # fmt: skip
        delivered(con, made)
        refused(con)
        city.put(con, "san_community", "juji", [{"community_id": "c", "households": 10, "households_sorting": 7}], GOOD)
        city.deliver(con, [CARRIED], GOOD)
        for day in (GOOD, FAILED, HELD, THIN, UPLOADED, LATE):
            engine.compute_night(made, day, folder=folder)
        con.close()
    return made


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T09:00:00+08:00")


def tasks(con: duckdb.DuckDBPyConnection, day: date, *done: float | None) -> None:
    rows = [{"task_id": f"{day:%d}-{n}", "road_id": "R1", "task_date": day, "planned_km": 10, "done_km": km}
            for n, km in enumerate(done)]  # fmt: skip
    city.put(con, TABLE, "juji", rows, day)
    city.deliver(con, [FEED], day, loaded=len(rows))


def ledger(con: duckdb.DuckDBPyConnection, day: date, state: str, loaded: int = 0, **more: str) -> None:
    city.deliver(con, [FEED], day, state=state, loaded=loaded)
    for name, value in more.items():
        con.execute(f"UPDATE delivery SET {name} = ? WHERE feed = ? AND service_day = ?", [value, FEED, day])


def delivered(con: duckdb.DuckDBPyConnection, hub: Settings) -> None:
    """The good day's delivery, landed as one file."""
    place = hub.landing / FEED / str(GOOD) / LOAD
    place.mkdir(parents=True)
    part = Part("000001.json.zst", "json", 10, "b" * 64, "c" * 64, "2026-11-17T01:15:00+08:00", "GET /tasks")
    manifest = Manifest(FEED, str(GOOD), LOAD, part.received_at, part.received_at, (part,))
    (place / "manifest.json").write_text(
        json.dumps({name: value for name, value in asdict(manifest).items() if name != "folder"}), encoding="utf-8"
    )
    con.execute(
        "UPDATE delivery SET load_id = ?, landed = 5, duplicate = 1, quarantined = 2 WHERE service_day = ?",
        [LOAD, GOOD],
    )
    con.execute(f"UPDATE {TABLE} SET _load_id = ? WHERE service_day = ?", [LOAD, GOOD])
    con.execute(
        "INSERT INTO load_log (load_id, feed, service_day, content_sha256, landing_folder, finished_at)"
        " VALUES (?, ?, ?, ?, ?, now())", [LOAD, FEED, GOOD, "d" * 64, str(place)]
    )  # fmt: skip


def refused(con: duckdb.DuckDBPyConnection) -> None:
    """One open row and one that was waived, both of the good day."""
    for id, state in (("1" * 64, "open"), ("2" * 64, "waived")):
        con.execute(
            "INSERT INTO quarantine (id, feed, service_day, load_id, place, reason, field, value, raw, state, owner,"
            " spec_sha256, seen_at, state_by, state_reason, waived_until) VALUES"
            " (?, ?, ?, ?, '000001.json.zst:4', 'out_of_range', 'done_km', '-3', '{}', ?, 'd p 1', 's', now(), ?,"
            " ?, ?)",
            [id, FEED, GOOD, LOAD, state, "李四" if state == "waived" else None, "设备更换", date(2026, 12, 31)],
        )  # fmt: skip


def said(answer: Answer, step: str) -> list[Sentence]:
    return [item for item in answer.sentences if item.step == step]


def references(answer: Answer, kind: str) -> list[Reference]:
    return [reference for item in answer.sentences for reference in item.references if reference.kind == kind]


def test_a_valid_value_leads_to_definition_delivery_bytes_rows_and_limits(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(GOOD), folder=folder)
    assert (found.state, found.value, found.numerator, found.denominator) == ("ok", 85.0, 17.0, 20.0)
    (head,) = said(found, "answer")
    assert "SAN-03 清扫作业计划完成率 = 85 %（17 / 20），状态有效" in head.zh
    (definition,) = head.references
    line = (folder / "sanitation.yaml").read_text(encoding="utf-8").splitlines()[definition.facts["line"] - 1]
    assert definition.name == "indicators/sanitation.yaml" and line == "- code: SAN-03"
    (delivery,) = references(found, "delivery")
    assert (delivery.name, delivery.facts["load_id"], delivery.facts["landed"]) == (f"{FEED} {GOOD}", LOAD, 5)
    (file,) = references(found, "file")
    assert file.name.endswith(f"{LOAD}/000001.json.zst") and file.facts["sha256"] == "b" * 64
    (rows,) = references(found, "rows")
    assert rows.facts == {"keys": [{"task_id": "16-0"}, {"task_id": "16-1"}], "load_ids": [LOAD]}
    assert references(found, "clause")[0].name == "proposed by this project"
    assert references(found, "coverage")[0].facts == {"min_coverage": 0.9, "n_valid": 2, "n_expected": 2}
    assert not said(found, "move") and not said(found, "reason")


def test_open_and_waived_rows_are_named_with_place_owner_and_who_waived(hub: Settings, folder: Path) -> None:
    opened, waived = said(why(hub, "SAN-03", "juji", str(GOOD), folder=folder), "quarantine")
    facts = opened.references[0].facts
    assert (facts["state"], facts["rows"], facts["ids"]) == ("open", 1, ["1" * 64])
    assert facts["places"] == [f"{LOAD} 000001.json.zst:4"] and "尚待处理" in opened.zh and "d p 1" in opened.en
    assert waived.references[0].facts["state"] == "waived"
    assert "由 李四 豁免至 2026-12-31（设备更换）" in waived.zh


def test_a_failed_delivery_is_no_value_with_its_error_and_whose_move(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(FAILED), folder=folder)
    assert (found.state, found.value) == ("missing", None)
    assert "没有数值（缺）" in said(found, "answer")[0].zh and "Missing is not zero" in said(found, "answer")[0].en
    assert "CH-PULL-051 nothing came" in said(found, "feed")[0].en
    (move,) = said(found, "move")
    assert "县城管局 张三 123" in move.zh and f"cityhub backfill {FEED} --from {FAILED} --to {FAILED}" in move.en


def test_a_late_delivery_names_its_deadline(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(LATE), folder=folder)
    assert found.state == "missing"
    assert "迟到" in said(found, "feed")[0].zh and "expected by 2026-11-22 06:00" in said(found, "feed")[0].en
    assert references(found, "deadline")[0].facts["expected_by"].isoformat().startswith("2026-11-22T06:00")


def test_a_held_day_names_the_check_that_holds_it(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(HELD), folder=folder)
    assert (found.state, found.value) == ("provisional", 85.0)
    (check,) = references(found, "check")
    assert check.name == f"{FEED} between.done_km"
    assert (check.facts["observed"], check.facts["expected"], check.facts["unexpected"]) == ("max 90", "max 60", 3)
    assert "因此依赖它的数值暂定" in said(found, "check")[0].zh


def test_too_few_valid_rows_name_the_rule(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(THIN), folder=folder)
    assert found.state == "provisional"
    (coverage,) = said(found, "coverage")
    assert "应有 2，有效 1（50 %），最低要求 90 %，未达到" in coverage.zh and "too few" in coverage.en


def test_an_uploaded_day_says_by_whom(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", str(UPLOADED), folder=folder)
    assert found.state == "provisional"
    assert "由 王五 人工补录（平台停机）" in said(found, "fallback")[0].zh
    assert references(found, "rows")[0].facts["keys"] == [{"task_id": "20-0"}, {"task_id": "20-1"}], (
        "its own day's rows"
    )


def test_a_carried_value_says_from_which_day(hub: Settings, folder: Path) -> None:
    code = "SAN-06"
    own = why(hub, code, "juji", str(GOOD), folder=folder)
    found = why(hub, code, "juji", str(HELD), folder=folder)
    assert own.state == "ok" and (found.state, found.value) == ("provisional", own.value)
    (carried,) = said(found, "fallback")
    assert f"数值取自 {GOOD}" in carried.zh and f"that of {GOOD}" in carried.en


def test_a_unit_that_no_row_names_has_nothing_to_count(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "wulihe", str(GOOD), folder=folder)
    assert (found.state, found.value) == ("no_denominator", None)
    assert f"{TABLE} 中没有 wulihe 这一期间的行（从未有过）" in said(found, "reason")[0].zh


def test_a_day_that_nobody_computed_says_so(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", "2026-11-23", folder=folder)
    assert (found.state, found.as_of) == ("not_computed", None)
    assert "还没有计算过" in said(found, "reason")[0].zh
    assert "not due yet" in said(found, "feed")[0].en


def test_a_month_names_the_days_that_count_and_those_that_do_not(hub: Settings, folder: Path) -> None:
    found = why(hub, "SAN-03", "juji", "2026-11", folder=folder)
    assert (found.state, found.numerator, found.denominator) == ("provisional", 59.0, 70.0)
    days = {reference.name: reference.facts for reference in references(found, "days")}
    assert days["2026-11"]["counted"] == [str(day) for day in (GOOD, HELD, THIN, UPLOADED)]
    assert str(FAILED) in days["missing"]["days"] or str(LATE) in days["missing"]["days"]
    groups = [item.zh for item in said(found, "days")]
    assert any(text.startswith(f"{FAILED}（1 天）没有计入，缺数据：{FEED} 采集失败 (CH-PULL-051)") for text in groups)
    assert any(text.startswith(f"{HELD}（1 天）计入但暂定") for text in groups)
    assert any(text.startswith("2026-11-01..2026-11-15（15 天）早于数据源首次到数") for text in groups)
    assert {reference.name for reference in references(found, "delivery")} >= {f"{FEED} {FAILED}", f"{FEED} {GOOD}"}


@pytest.mark.parametrize(("period", "kind"), [("2026-W47", "week"), ("2026-2027", "season")])
def test_weeks_and_heating_seasons_are_asked_by_their_names(
    hub: Settings, folder: Path, period: str, kind: str
) -> None:
    found = why(hub, "SAN-06", "juji", period, folder=folder)
    con = lake.connect(hub)
    stored = con.execute(
        "SELECT value, state FROM indicator_value WHERE code = 'SAN-06' AND unit_code = 'juji'"
        " AND period_kind = ? AND period = ?", [kind, period]
    ).fetchall()  # fmt: skip
    con.close()
    assert [(found.value, found.state)] == stored and found.value is not None
    assert found.period_kind == kind
    for none in ("2026-W54", "2026-2028"):
        with pytest.raises(Usage) as refusal:
            why(hub, "SAN-06", "juji", none, folder=folder)
        assert refusal.value.code == "CH-WHY-006" and "YYYY-W47" in refusal.value.text()


def test_what_rows_name_is_a_unit_too(hub: Settings, folder: Path) -> None:
    assert why(hub, "san-03", "road:R1", str(GOOD), folder=folder).value == 85.0
    with pytest.raises(Usage) as refusal:
        why(hub, "SAN-03", "road:R2", str(GOOD), folder=folder)
    assert refusal.value.code == "CH-SCORE-006" and "road:R1" in refusal.value.text()


def test_a_value_of_other_deliveries_than_the_ledgers_says_so(hub: Settings, folder: Path) -> None:
    con = lake.connect(hub)
    try:
        con.execute(
            "UPDATE delivery SET state = 'loaded', error_code = NULL, error = NULL WHERE service_day = ?", [FAILED]
        )
        found = why(hub, "SAN-03", "juji", str(FAILED), folder=folder)
        assert "计算之后台账有变化" in said(found, "reason")[0].zh
    finally:
        ledger(con, FAILED, "failed", error_code="CH-PULL-051", error="nothing came", whose_move="县城管局 张三 123")
        con.close()


@pytest.mark.parametrize(
    ("asked", "code", "near"),
    [
        (("SAN-3", "juji", "2026-11"), "CH-WHY-004", "SAN-03"),
        (("SAN-03", "jujii", "2026-11"), "CH-SCORE-006", "juji"),
        (("SAN-03", "cgj", "2026-11"), "CH-WHY-005", "territory, road, county"),
        (("SAN-03", "juji", "2026-Q4"), "CH-WHY-005", "day, month"),
        (("SAN-03", "site:1", "2026-11"), "CH-WHY-005", "territory, road, county"),
        (("SAN-03", "juji", "2026-13"), "CH-WHY-006", "YYYY-MM"),
        (("SAN-03", "juji", "yesterday"), "CH-WHY-006", "YYYY-MM-DD"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(
    hub: Settings, folder: Path, asked: tuple[str, str, str], code: str, near: str
) -> None:
    with pytest.raises(Usage) as refusal:
        why(hub, *asked, folder=folder)
    assert refusal.value.code == code and near in refusal.value.text()


def test_nothing_is_written_and_both_languages_have_every_sentence(hub: Settings, folder: Path) -> None:
    con = lake.connect(hub)
    newest = "SELECT max(snapshot_id) FROM ducklake_snapshots('lake')"
    before = con.execute(newest).fetchone()
    found = why(hub, "SAN-03", "juji", "2026-11", folder=folder)
    assert con.execute(newest).fetchone() == before
    con.close()
    numbers = [[line.split(".")[0] for line in found.lines(lang) if re.match(r"\d", line)] for lang in ("zh", "en")]
    assert numbers[0] == numbers[1] == [str(n) for n in range(1, len(found.sentences) + 1)]
    json.dumps(found.as_dict(), default=str)
    assert all(re.search("[一-鿿]", item.zh) for item in found.sentences)
