"""The monthly report of each department about its feeds, in Chinese: Markdown to pass on, HTML to print.

`<home>/reports/<month>/<department>.md` and `.html`; written on the last service day of a month and by
`cityhub issues report`, replaced whole.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from cityhub import clock
from cityhub.files import write_text
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from warehouse import issues, lake
from warehouse.issues import KINDS, Issue

QUERY = (Path(issues.__file__).parent / "sql" / "issue_report.sql").read_text(encoding="utf-8")
FEEDS = (
    "数据源",
    "应到天数",
    "按时",
    "补到（迟到）",
    "待核",
    "失败",
    "缺失",
    "接收行",
    "入库行",
    "重复行",
    "退回行",
    "迟到行",
)
BETWEEN = "service_day >= $first AND service_day < $next"
REASONS = (
    f"SELECT feed, reason, field, state, count(*) FROM quarantine WHERE {BETWEEN} GROUP BY ALL ORDER BY feed, 5 DESC, 2"
)
STATES = {"open": "待处理", "fixed": "源头已更正", "released": "规则调整后放行", "waived": "已豁免"}


@dataclass(frozen=True)
class Section:
    """One table of the report; rows are texts."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    empty: str


def write(settings: Settings, month: str, department: str | None = None) -> list[Path]:
    """Write the reports of a month, of all departments that have a feed or of one; the files."""
    specs, _ = read_good(settings.feeds)
    departments = sorted({spec.owner.department for spec in specs.values()})
    first, following = clock.month_bounds(month)
    written = []
    with closing(lake.connect(settings, read_only=True)) as con:
        for name in departments:
            if department in {None, name}:
                mine = {feed: spec for feed, spec in specs.items() if spec.owner.department == name}
                sections = _sections(con, name, mine, first, following)
                folder = settings.home / "reports" / month
                title = f"{name} {month} 数据报送情况月报"
                stem = name.replace("/", "_")
                for suffix, text in ((".md", _markdown(title, sections)), (".html", _html(title, sections))):
                    write_text(folder / f"{stem}{suffix}", text)
                    written.append(folder / f"{stem}{suffix}")
    return written


def _sections(
    con: duckdb.DuckDBPyConnection, department: str, specs: dict[str, FeedSpec], first: date, following: date
) -> list[Section]:
    bounds: dict[str, Any] = {"first": first, "next": following}
    rows = {row[0]: row[1:] for row in con.execute(QUERY, {**bounds, "now": clock.now()}).fetchall()}
    feeds = [
        (f"{spec.title.zh}（{feed}）", *(_number(value) for value in rows.get(feed, (None,) * (len(FEEDS) - 1))))
        for feed, spec in sorted(specs.items())
    ]
    refused = [
        (specs[feed].title.zh, reason, field or "", STATES.get(state, state), str(number))
        for feed, reason, field, state, number in con.execute(REASONS, bounds).fetchall()
        if feed in specs
    ]
    mine = [item for item in issues.stored(con, department=department, state=None) if _touches(item, first, following)]
    listed = [
        (item.title_zh, item.feed, KINDS[item.kind][0] if item.kind in KINDS else item.kind, item.since_day.isoformat(),
         item.closed_at.date().isoformat() if item.closed_at else "未办结", _days(item), item.detail)
        for item in mine
    ]  # fmt: skip
    return [
        Section("一、数据到达", FEEDS, feeds, "本部门没有数据源。"),
        Section("二、退回的数据行", ("数据源", "原因", "字段", "状态", "行数"), refused, "本月没有退回的数据行。"),
        Section(
            "三、待办事项", ("事项", "数据源", "类型", "起始日", "关闭日", "天数", "说明"), listed, "本月没有待办事项。"
        ),
    ]


def _touches(item: Issue, first: date, following: date) -> bool:
    ended = item.closed_at.date() if item.closed_at else item.last_day
    return item.since_day < following and max(ended, item.last_day) >= first


def _days(item: Issue) -> str:
    end = item.closed_at.date() if item.closed_at else clock.now().date()
    return str(max(1, (end - item.since_day).days))


def _number(value: Any) -> str:
    return "—" if value is None else str(value)


def _markdown(title: str, sections: list[Section]) -> str:
    lines = [f"# {title}", "", f"编制时间：{clock.now():%Y-%m-%d %H:%M}。“—”表示没有数据，不是零。"]
    for section in sections:
        lines += ["", f"## {section.title}", ""]
        if not section.rows:
            lines.append(section.empty)
            continue
        lines.append("| " + " | ".join(section.columns) + " |")
        lines.append("|" + " --- |" * len(section.columns))
        lines += [
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
            for row in section.rows
        ]
    return "\n".join(lines) + "\n"


def _html(title: str, sections: list[Section]) -> str:
    body = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>编制时间：{clock.now():%Y-%m-%d %H:%M}。“—”表示没有数据，不是零。</p>",
    ]
    for section in sections:
        body.append(f"<h2>{html.escape(section.title)}</h2>")
        if not section.rows:
            body.append(f"<p>{html.escape(section.empty)}</p>")
            continue
        head = "".join(f"<th>{html.escape(name)}</th>" for name in section.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows
        )
        body.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    style = "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #999}"
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style></head><body>{''.join(body)}</body></html>\n"
    )
