"""Issues: opened, carried over days, told once a day, and closed by themselves when the cause is gone."""

from __future__ import annotations

from typing import Any

import pytest

from cityhub.errors import HubError
from flow import steps
from flow.notify import digest, outbox
from flow.notify.config import Config
from flow.observe import report
from tests.observe.conftest import DAY, FEED, NEXT, City
from tests.observe.test_runs import GOOD
from tests.sensors.mqtt_peer import write_feed
from tests.servers.http import Answer
from tests.warehouse.made import snapshots
from warehouse import issues, lake
from warehouse.findings import Finding, record
from warehouse.issues import Changes, Issue

GOOD_ROWS = [{"id": "1", "n": "5"}, {"id": "2", "n": "6"}]


def update(city: City) -> Changes:
    con = lake.connect(city.settings)
    try:
        return issues.update(con, city.settings, steps.active(city.settings))
    finally:
        con.close()


def stored(city: City, state: str | None = "open") -> dict[str, Issue]:
    con = lake.connect(city.settings)
    try:
        return {item.kind: item for item in issues.stored(con, state=state)}
    finally:
        con.close()


def fail(city: City, day: Any) -> None:
    city.says = Answer(b"no", 500)
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, day)


def test_one_issue_stays_open_over_days_and_closes_when_a_good_day_comes(city: City) -> None:
    fail(city, DAY)
    assert update(city) == Changes(1, 0, 0, 1)
    (issue,) = stored(city).values()
    assert (issue.kind, issue.department, issue.title_zh) == ("delivery", "城管局", "灯具：数据未到")
    assert issue.since_day == issue.last_day == DAY
    city.at("2026-11-22T01:15")
    fail(city, NEXT)
    assert update(city) == Changes(0, 1, 0, 1)
    (same,) = stored(city).values()
    assert (same.id, same.since_day, same.last_day, same.opened_at) == (issue.id, DAY, NEXT, issue.opened_at)
    city.sync(*GOOD_ROWS, day=NEXT)
    assert update(city) == Changes(0, 0, 1, 0)
    closed = stored(city, "closed")["delivery"]
    assert closed.closed_at is not None and closed.since_day == DAY


def test_a_second_look_writes_nothing(city: City) -> None:
    city.sync(*GOOD)
    assert update(city).opened == 1
    con = lake.connect(city.settings)
    before = snapshots(con)
    assert update(city) == Changes(0, 0, 0, 1)
    assert snapshots(con) == before
    con.close()


def test_refused_rows_findings_and_failed_checks_are_issues_of_their_own(city: City) -> None:
    checks = [{"check": "row_count", "min": 100, "severity": "warning"}]
    write_feed(city.settings, city.spec(checks=checks))
    city.sync(*GOOD)
    con = lake.connect(city.settings)
    with lake.write(con, city.settings, "finding"):
        found = [Finding("unmarked", "warning", "looks like numbers", "count"), Finding("seen", "info", "x", "y")]
        record(con, found, feed=FEED, day=DAY, origin="personal", owner="张三")
    con.close()
    steps.check(city.settings, DAY)  # the quality stage opens them
    now = stored(city)
    assert set(now) == {"quarantine", "personal", "checks"}
    assert now["quarantine"].detail.startswith("1 行，out_of_range。")
    assert now["personal"].detail.startswith("1 处，unmarked。")
    assert now["checks"].detail.startswith("1 项检查，row_count。")
    # the next day is right: what the day before showed is over, the refused row still waits
    city.at("2026-11-22T01:15")
    write_feed(city.settings, city.spec())
    city.sync(*GOOD_ROWS, day=NEXT)
    steps.check(city.settings, NEXT)
    assert set(stored(city)) == {"quarantine"}


def test_a_held_day_is_an_issue_and_a_feed_switched_off_has_none(city: City) -> None:
    write_feed(city.settings, city.spec(arrives={"min_rows": 9}))
    city.sync(*GOOD_ROWS)
    update(city)
    assert "CH-LEDGER-001" in stored(city)["held"].detail
    write_feed(city.settings, city.spec(active=False))
    assert update(city).closed == 1


def reach(**owners: Any) -> Config:
    return Config.model_validate({"channels": {"ops": {"kind": "json", "url": "x"}}, "owners": owners})


def test_a_department_gets_one_digest_a_day_and_those_who_cannot_be_reached_stay_untold(city: City) -> None:
    fail(city, DAY)
    update(city)
    assert digest.write(city.settings, reach(别的局={"channels": ["ops"]})) == 0
    assert stored(city)["delivery"].told_at is None
    mine = reach(城管局={"channels": ["ops"]})
    assert digest.write(city.settings, mine) == 1
    assert digest.write(city.settings, mine) == 0
    assert stored(city)["delivery"].told_at is not None
    ((_, item),) = list(outbox.waiting(city.settings))
    assert item["content"]["lines"][0] == "城管局：未办结 1 项，其中新增 1 项；已关闭 0 项"
    city.at("2026-11-22T01:15")
    city.sync(*GOOD_ROWS)
    update(city)
    assert digest.write(city.settings, mine) == 1
    texts = [item["content"]["lines"] for _, item in outbox.waiting(city.settings)]
    assert any("〔已关闭〕灯具：数据未到" in line for lines in texts for line in lines)
    city.at("2026-11-23T01:15")
    assert digest.write(city.settings, mine) == 0  # nothing open, nothing closed: silence


def test_the_monthly_report_is_chinese_and_says_nothing_that_is_not_known(city: City) -> None:
    city.sync(*GOOD)
    update(city)
    markdown, page = report.write(city.settings, "2026-11")
    text = markdown.read_text(encoding="utf-8")
    assert markdown.name == "城管局.md" and text.startswith("# 城管局 2026-11 数据报送情况月报")
    assert f"| 灯具（{FEED}） | 1 | 1 | 0 | 0 | 0 | 0 | 4 | 2 | 1 | 1 | 0 |" in text
    assert "| 灯具 | out_of_range | count | 待处理 | 1 |" in text
    assert "灯具：数据行被退回" in text
    assert "<td>out_of_range</td>" in page.read_text(encoding="utf-8")
    (markdown, _) = report.write(city.settings, "2026-10")
    assert f"| 灯具（{FEED}） | — |" in markdown.read_text(encoding="utf-8")


def test_rows_of_today_end_nothing_that_is_wrong_with_yesterday(city: City) -> None:
    write_feed(city.settings, city.spec(arrives={"min_rows": 9}))
    city.sync(*GOOD_ROWS)
    write_feed(city.settings, city.spec())
    city.sync(*GOOD_ROWS, {"id": "7", "n": "7"}, day=NEXT)  # today: the clock says the 21st
    update(city)
    assert set(stored(city)) == {"held"}
