"""Issues: what a department has to see to. One per feed and kind; opened, carried on and closed by the hub itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake, ledger
from warehouse.names import literal

QUERY = (Path(__file__).parent / "sql" / "issues.sql").read_text(encoding="utf-8")

# kind → what it is and what to do, for the department
KINDS = {
    "delivery": ("数据未到", "请检查系统接口或文件是否正常，恢复后补送；查看：cityhub status"),
    "held": ("数据待核", "数据已到但未通过关键检查或行数不足，请核对后重新报送；查看：cityhub status"),
    "quarantine": ("数据行被退回", "请在源系统更正后重新报送；查看：cityhub quarantine list --feed {feed}"),
    "drift": ("数据结构有变化", "请确认字段的增减或改名是否有意；查看：cityhub status"),
    "watch": ("数据异常静默", "请检查设备和接口；查看：cityhub status"),
    "personal": ("发现未登记的个人信息", "请确认该字段并登记保护方式（哈希、掩码或删除）"),
    "checks": ("质量检查未通过", "请核对数据；查看质量报告或 cityhub status"),
}
STATES = {"failed": "采集失败", "expected": "到期未到", "landed": "已收到未入库", "held": "待核"}


@dataclass(frozen=True)
class Issue:
    """One line of the table `issue`, in the order of its columns."""

    id: str
    department: str
    owner: str
    feed: str
    kind: str
    title_zh: str
    detail: str
    since_day: date
    last_day: date
    state: str
    opened_at: datetime
    told_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Changes:
    """What one update did, by number of issues, and how many are open after it."""

    opened: int
    changed: int
    closed: int
    open: int


COLUMNS = ", ".join(item.name for item in fields(Issue))
INSERT = f"INSERT INTO issue ({COLUMNS}) VALUES ({', '.join('$' + item.name for item in fields(Issue))})"


def update(con: duckdb.DuckDBPyConnection, settings: Settings, specs: Mapping[str, FeedSpec]) -> Changes:
    """Bring the issues to what the ledger, findings, quarantine and checks say now; one transaction, none when there is
    nothing to write. A feed that is switched off has no issues. One that comes back on the day it began is
    opened again, not twice."""
    before = {(item.feed, item.kind): item for item in stored(con)}
    wanted = {(item.feed, item.kind): item for item in _wanted(con, specs, before)}
    new = [item for key, item in wanted.items() if key not in before]
    changed = [item for key, item in wanted.items() if key in before and item != before[key]]
    gone = [item for key, item in before.items() if key not in wanted]
    if new or changed or gone:
        now = clock.now()
        with lake.write(con, settings, "issues"):
            for item in [*new, *changed, *(replace(item, state="closed", closed_at=now) for item in gone)]:
                con.execute("DELETE FROM issue WHERE id = $id", {"id": item.id})
                con.execute(INSERT, asdict(item))
    return Changes(len(new), len(changed), len(gone), len(wanted))


def stored(
    con: duckdb.DuckDBPyConnection,
    *,
    department: str | None = None,
    feed: str | None = None,
    state: str | None = "open",
) -> list[Issue]:
    """Issues by department and feed; None for any."""
    # Literals, quoted: binding Python values would import pandas, a second that the command line saves.
    wanted = {"department": department, "feed": feed, "state": state}
    where = " AND ".join(f"{name} = {literal(value)}" for name, value in wanted.items() if value is not None) or "true"
    found = con.execute(f"SELECT {COLUMNS} FROM issue WHERE {where} ORDER BY department, feed, kind, since_day, id")
    return [Issue(*row) for row in found.fetchall()]


def mark_told(con: duckdb.DuckDBPyConnection, settings: Settings, ids: list[str]) -> int:
    """Note that the department has been told of these, in a transaction of its own; those noted before stay."""
    if not ids:
        return 0
    values = {"ids": json.dumps(ids), "at": clock.now()}
    where = "told_at IS NULL AND list_contains(from_json($ids, '[\"VARCHAR\"]'), id)"
    found = con.execute(f"SELECT count(*) FROM issue WHERE {where}", {"ids": values["ids"]}).fetchone()
    if found and found[0]:
        with lake.write(con, settings, "issues told"):
            con.execute(f"UPDATE issue SET told_at = $at WHERE {where}", values)
    return int(found[0]) if found else 0


def _wanted(
    con: duckdb.DuckDBPyConnection, specs: Mapping[str, FeedSpec], before: Mapping[tuple[str, str], Issue]
) -> list[Issue]:
    now = clock.now()
    found = con.execute(QUERY, {"now": now, "today": now.date()}).fetchall()
    return [_issue(specs[row[0]], row, before.get((row[0], row[1])), now) for row in found if row[0] in specs]


def _issue(spec: FeedSpec, row: tuple, before: Issue | None, now: datetime) -> Issue:  # type: ignore[type-arg]  # the columns of issues.sql
    feed, kind, since, last, number, what, code, said = row
    title, todo = KINDS[kind]
    since = min(since, before.since_day) if before else since
    return Issue(
        id=before.id if before else hashlib.sha256("\x1f".join([feed, kind, since.isoformat()]).encode()).hexdigest(),
        department=spec.owner.department,
        owner=ledger.owner(spec),
        feed=feed,
        kind=kind,
        title_zh=f"{spec.title.zh}：{title}",
        detail=_detail(kind, number, what, code, said) + todo.format(feed=feed),
        since_day=since,
        last_day=last,
        state="open",
        opened_at=before.opened_at if before else now,
        told_at=before.told_at if before else None,
        closed_at=None,
    )


def _detail(kind: str, number: int, what: str | None, code: str | None, said: str | None) -> str:
    if kind in {"delivery", "held"}:
        text = f"{STATES.get(what or '', '入库后再次采集失败')}，共 {number} 天"
        text += f"（{code}）" if code else ""
        return text + (f" {said}" if said else "") + "。"
    unit = {"quarantine": "行", "checks": "项检查"}.get(kind, "处")
    return f"{number} {unit}，{what}。" if what else f"{number} {unit}。"
