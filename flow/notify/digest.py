"""One message a day to each department about its issues: new, still open, closed since the last one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cityhub import clock
from cityhub.files import read_json, write_json
from cityhub.settings import Settings
from flow.notify import outbox
from flow.notify.config import Config
from flow.notify.state import owner_targets
from warehouse import issues, lake
from warehouse.issues import Issue

SHOWN = 30


def write(settings: Settings, config: Config) -> int:
    """Put today's digests into the outbox and note in the table `issue` who has been told; the number of messages.

    A department that is not reachable (no `owners` entry) is told nothing and its issues stay untold. A second run on
    the same day writes nothing.
    """
    if not config.digest or not config.owners:
        return 0
    file = outbox.root(settings) / "digest.json"
    today = clock.now().date().isoformat()
    with lake.lock(settings, "alerts", timeout_s=30):
        last = read_json(file) or {}
        con = lake.connect(settings)
        try:
            written, told, after = 0, [], dict(last)
            for department, mine in _by_department(issues.stored(con, state=None)).items():
                targets = owner_targets(config, department)
                content = _content(department, mine, last.get(department))
                if not targets or content is None or str(last.get(department, ""))[:10] == today:
                    continue
                for target in targets:
                    written += outbox.put(settings, target, f"digest\x1f{department}\x1f{today}", "digest", content)
                told += [item.id for item in mine if item.state == "open"]
                after[department] = clock.now().isoformat()
            issues.mark_told(con, settings, told)
        finally:
            con.close()
        if after != last:
            write_json(file, after, sync=True)
    return written


def _by_department(every: list[Issue]) -> dict[str, list[Issue]]:
    found: dict[str, list[Issue]] = {}
    for item in every:
        found.setdefault(item.department, []).append(item)
    return found


def _content(department: str, mine: list[Issue], last: str | None) -> dict[str, Any] | None:
    open_ = [item for item in mine if item.state == "open"]
    since = datetime.fromisoformat(last) if last else None
    closed = [item for item in mine if item.closed_at and since and item.closed_at > since]
    if not open_ and not closed:
        return None
    new = [item for item in open_ if item.told_at is None]
    lines = [f"{department}：未办结 {len(open_)} 项，其中新增 {len(new)} 项；已关闭 {len(closed)} 项"]
    for mark, group in (("新增", new), ("未办结", [item for item in open_ if item not in new])):
        lines += [
            f"〔{mark}〕{item.title_zh}（{item.feed}），{item.since_day} 起。{item.detail}" for item in group[:SHOWN]
        ]
        lines += [f"〔{mark}〕另有 {len(group) - SHOWN} 项，见 cityhub issues"] if len(group) > SHOWN else []
    lines += [f"〔已关闭〕{item.title_zh}（{item.feed}）" for item in closed[:SHOWN]]
    severity = "warning" if open_ else "info"
    return {"key": f"digest:{department}", "title": f"数据待办（{department}）", "severity": severity, "lines": lines,
            "department": department, "issues": [item.id for item in (*open_, *closed)]}  # fmt: skip
