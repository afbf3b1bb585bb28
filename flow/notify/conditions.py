"""What is wrong now: the ledger, critical findings, the publication, gateways, the disk, the night itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as clock_time

from cityhub import clock
from cityhub.clock import SHANGHAI
from cityhub.errors import HubError, catalogue
from cityhub.files import read_json
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from flow.notify.alert import Alert
from flow.notify.config import Limits, Severity
from flow.observe.quietly import quietly
from scoring.publication import manifest
from warehouse import findings, lake
from warehouse.findings import Stored
from warehouse.ledger import owner
from warehouse.status import word

WORDS: dict[str, tuple[str, Severity, str]] = {
    "failed": ("feed_failed", "critical", "采集失败"),
    "missing": ("feed_missing", "critical", "数据缺失"),
    "held": ("feed_held", "critical", "数据待核，结果暂定"),
    "late": ("feed_late", "warning", "数据迟到"),
}
HUB = "数据中台运维"
DAYS = 40
TROUBLE = """
    WITH good AS (SELECT feed, max(service_day) AS last_day FROM delivery
        WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed')
            AND service_day < $today GROUP BY feed),
    bad AS (SELECT d.* FROM delivery AS d LEFT JOIN good AS g ON g.feed = d.feed
        WHERE d.service_day >= $since AND (g.last_day IS NULL OR d.service_day > g.last_day
                OR (d.service_day = g.last_day AND d.error_code IS NOT NULL))
            AND (d.state IN ('failed', 'held') OR d.error_code IS NOT NULL OR d.expected_by < $now::TIMESTAMPTZ))
    SELECT feed, service_day, state, expected_by, error_code, error, whose_move, since,
        count(*) OVER of_feed, min(since) OVER of_feed
    FROM bad WINDOW of_feed AS (PARTITION BY feed)
    QUALIFY row_number() OVER (PARTITION BY feed ORDER BY service_day DESC) = 1 ORDER BY feed
"""
# a pushed feed has rows of today already when yesterday is judged
LOADED = "SELECT feed, max(service_day) FROM delivery WHERE loads > 0 AND service_day < $today GROUP BY feed"
LEDGER = {"late", "missing", "below_min_rows"}  # findings that say what the ledger's line says: told as its alert
# Families of keys; a check of some closes none of the others.
FEEDS, FINDINGS, PUBLICATION, GATEWAY, DISK, DEADMAN = "feed", "finding", "publication", "gateway", "disk", "deadman"
PUSH = "push"
ALL = (FEEDS, FINDINGS, PUBLICATION, PUSH, GATEWAY, DISK, DEADMAN)


def present(settings: Settings, limits: Limits, families: tuple[str, ...] = ALL) -> tuple[list[Alert], set[str]]:
    """The alerts of these families, and the families that could be looked at: one that cannot be read says nothing of
    what is over."""
    looks = {FEEDS: feeds, FINDINGS: critical_findings, PUBLICATION: publication, GATEWAY: gateways, DISK: disk,
             DEADMAN: deadman, PUSH: push}  # fmt: skip
    found: list[Alert] = []
    seen: set[str] = set()
    for family in families:
        with quietly(f"alerts about {family}"):
            found += list(looks[family](settings, limits))
            seen.add(family)
    return found, seen


def feeds(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Feeds that failed, are held, late or missing since their last good day, one alert a feed, about the newest such
    day: a day that is only beginning, or not due yet, ends no trouble."""
    specs, _ = read_good(settings.feeds)
    now = clock.now()
    con = lake.connect(settings, read_only=True)
    try:
        values = {"now": now, "today": now.date(), "since": now.date() - timedelta(days=DAYS)}
        found = con.execute(TROUBLE, values).fetchall()
    finally:
        con.close()
    for row in found:
        if row[0] in specs:
            yield _feed(specs[row[0]], row, now)


def _feed(spec: FeedSpec, row: tuple, now: datetime) -> Alert:  # type: ignore[type-arg]  # the columns of TROUBLE
    feed, day, state, expected_by, code, error, whose, since, days, first = row
    kind, severity, said = WORDS.get(word(state, expected_by, now), ("feed_failed", "warning", "已入库，再次采集失败"))
    fix = str(catalogue()[code]["fix"]) if code in catalogue() else "cityhub status"
    told = [error] if error else []
    told += [f"已 {days} 天无可用数据"] if days > 1 else []
    return Alert(
        key=f"{FEEDS}:{feed}",
        kind=kind,
        severity=severity,
        title=f"{spec.title.zh}（{feed}）：{said}",
        since=(first or since or expected_by or now).isoformat(),
        whose=whose or owner(spec),
        todo="cityhub status" if "{" in fix else fix,
        detail="；".join(told) or None,
        code=code,
        feed=feed,
        department=spec.owner.department,
        day=day.isoformat(),
    )


def critical_findings(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Critical findings about the newest delivery of each feed, one alert a feed and kind."""
    specs, _ = read_good(settings.feeds)
    con = lake.connect(settings, read_only=True)
    try:
        newest: dict[str, date] = dict(con.execute(LOADED, {"today": clock.now().date()}).fetchall())
        found = findings.stored(con)
    finally:
        con.close()
    told: set[str] = set()
    for item in found:
        key = f"{FINDINGS}:{item.feed}:{item.kind}"
        old = item.feed in newest and item.service_day < newest[item.feed]
        known = item.kind in LEDGER or old or key in told
        if item.severity == "critical" and item.feed in specs and not known:
            told.add(key)
            spec = specs[item.feed]
            yield Alert(
                key, "critical_finding", "critical", _title(spec, item),
                since=item.found_at.isoformat(), whose=item.owner, todo="cityhub status，按提示核对数据源或修改登记",
                detail=item.detail, feed=item.feed, department=spec.owner.department, day=item.service_day.isoformat(),
            )  # fmt: skip


def _title(spec: FeedSpec, item: Stored) -> str:
    return f"{spec.title.zh}（{item.feed}）：{item.kind}" + (f" {item.subject}" if item.subject else "")


def publication(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Yesterday is not published though it is past the hour. An installation that never published has no such hour."""
    now = clock.now()
    due = datetime.combine(now.date(), clock_time.fromisoformat(limits.published_by), SHANGHAI)
    wanted = now.date() - timedelta(days=1)
    number = manifest.current(settings.publications)
    if number is None or now < due:
        return
    try:
        until = manifest.read(manifest.folder_of(settings.publications, number)).service_day
    except HubError as error:
        yield Alert(f"{PUBLICATION}:damaged", "publication_missing", "critical", "当前发布无法读取", due.isoformat(),
                    HUB, "cityhub publish verify", error.part("what"), error.code)  # fmt: skip
        return
    beat = read_json(settings.home / "heartbeat.json") or {}
    # a night whose results are those of the publication before makes no new one, and is published all the same
    if until < wanted.isoformat() and str(beat.get("published_at") or "")[:10] < now.date().isoformat():
        yield Alert(
            f"{PUBLICATION}:late", "publication_missing", "critical", f"{wanted} 的结果尚未发布",
            due.isoformat(), HUB, "cityhub status，再运行 cityhub nightly 或查看 Airflow 中的红色任务",
            f"当前发布第 {number} 号，数据截至 {until}", day=wanted.isoformat(),
        )  # fmt: skip


def push(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Upper levels of `extracts.yaml` that do not get what they are to have: two troubles of each at the most, one that
    is in the way of all rows, and rows that were refused or have no word upward."""
    from flow.notify import upward

    yield from upward.alerts(settings, HUB)


def gateways(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Gateways that were not stopped and say nothing any more, or say that they are not well."""
    folder = settings.home / "gateways"
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        content = read_json(file) or {}
        state, age = content.get("state"), time.time() - file.stat().st_mtime
        since = datetime.fromtimestamp(file.stat().st_mtime, SHANGHAI).isoformat()
        told = (content.get("error") or {}).get("what")
        if state == "stopped":
            continue
        todo = f"查看网关日志，重启：cityhub gateway run {content.get('kind', file.stem)}"
        if age > limits.gateway_silent_minutes * 60:
            yield Alert(f"{GATEWAY}:{file.stem}", "gateway_silent", "critical", f"网关 {file.stem} 无响应", since, HUB,
                        todo, told)  # fmt: skip
        elif state in {"degraded", "failed"}:
            code = (content.get("error") or {}).get("code")
            yield Alert(f"{GATEWAY}:{file.stem}", "gateway_degraded", "warning", f"网关 {file.stem} 异常（{state}）",
                        since, HUB, todo, told, code)  # fmt: skip


def disk(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """Too little room where the hub writes."""
    usage = shutil.disk_usage(settings.home)
    percent = 100 * usage.free / usage.total
    if percent < limits.disk_free_percent:
        yield Alert(
            DISK, "disk_full", "critical", f"磁盘空间不足：剩余 {percent:.1f} %", whose=HUB,
            todo="清理磁盘或扩容；cityhub maintain", detail=f"{usage.free / 2**30:.1f} GiB，{settings.home}",
        )  # fmt: skip


def deadman(settings: Settings, limits: Limits) -> Iterator[Alert]:
    """No night finished and published for too long; an installation that never had one is not dead."""
    beat = read_json(settings.home / "heartbeat.json")
    if beat is not None:
        yield from silent_since(beat.get("published_at"), limits.night_hours)


def silent_since(at: str | None, hours: float) -> Iterator[Alert]:
    """The dead-man alert when the last published night, an ISO moment, is too long ago or there was none."""
    if at is None or clock.now() - datetime.fromisoformat(at) > timedelta(hours=hours):
        yield Alert(
            DEADMAN, "deadman", "critical", f"超过 {hours:g} 小时没有完成并发布的夜间任务", at, HUB,
            "检查主机、调度器（Airflow）与磁盘，再运行 cityhub nightly", code="CH-OBS-002",
        )  # fmt: skip


def unreachable(error: HubError) -> Alert:
    """The dead-man alert about a hub that does not answer."""
    return Alert(
        DEADMAN, "deadman", "critical", "数据中台无应答", clock.now().isoformat(), HUB, "检查主机与 cityhub serve",
        error.part("what"), error.code,
    )  # fmt: skip
