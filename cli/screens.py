"""Screens: status, ranking, what a night was. Chinese first where leaders read, English where operators do."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from cli.output import out, table

if TYPE_CHECKING:
    from flow.nightly import Night
    from scoring.report import RankingRow
    from warehouse.feed_days import FeedDay, FeedDays
    from warehouse.status import FeedStatus, Status

SHOWN = 20


def print_status(found: Status) -> None:
    """Platforms, then what somebody must do: feed, state, since when, whose move."""
    rows = [
        (
            p.name_zh,
            p.platform,
            p.word_zh,
            f"{p.fresh}/{p.feeds}",
            p.landed,
            p.loaded,
            p.quarantined,
            p.last_data,
            f"{p.critical}/{p.warning}/{p.info}",
        )
        for p in found.platforms
    ]
    columns = ("平台", "platform", "状态", "feeds ok", "landed", "loaded", "quarantined", "last data", "findings c/w/i")
    table(f"service day {found.day}, as of {found.as_of:%Y-%m-%d %H:%M}", columns, rows)
    stand_ins = [(f.feed, f.word_zh, f.fallback) for f in found.feeds if f.fallback]
    if stand_ins:
        table("stand-ins, marked wherever their numbers are shown", ("feed", "状态", "what stands in"), stand_ins)
    if found.findings:
        noticed = [(f.severity, f.feed, f.kind, f.subject, _short(f.detail)) for f in found.findings[:SHOWN]]
        more = f", worst {SHOWN} first" if len(found.findings) > SHOWN else ""
        table(f"{len(found.findings)} open findings{more}", ("severity", "feed", "kind", "about", "what"), noticed)
    if not found.actions:
        out.print("nothing needs action")
        return
    actions = [
        (f.feed, f.word_zh, f.since, f.whose_move, f"{f.error_code or ''} {f.error or ''}".strip() or _critical(f))
        for f in found.actions
    ]
    table("needs action", ("feed", "状态", "since", "whose move", "what"), actions)


def _critical(feed: FeedStatus) -> str:
    return f"{feed.critical} critical findings"


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"


def print_days(found: FeedDays) -> None:
    """One feed: a strip of its days, then each day, then what was noticed."""
    out.print(f"{found.title_zh} {found.feed}, {found.owner}, fallback {found.fallback}", markup=False)
    out.print(f"{found.strip}  to {found.days[0].service_day}", markup=False)
    rows = [
        (
            day.service_day, day.word_zh, day.state, day.landed, day.loaded, day.quarantined, day.late, day.finished_at,
            f"{day.critical}/{day.warning}/{day.info}", _told(day),
        )
        for day in found.days if day.word != "unknown"
    ]  # fmt: skip
    columns = (
        "day", "状态", "state", "landed", "loaded", "quarantined", "late", "finished", "findings c/w/i", "what",
    )  # fmt: skip
    table(f"{len(rows)} of {len(found.days)} days known", columns, rows)
    if found.findings:
        noticed = [(f.service_day, f.severity, f.kind, f.subject, _short(f.detail)) for f in found.findings[:SHOWN]]
        table(f"{len(found.findings)} open findings", ("day", "severity", "kind", "about", "what"), noticed)


def _told(day: FeedDay) -> str:
    said = [f"{day.error_code or ''} {day.error or ''}".strip()]
    if day.carried_from:
        said.append(f"carried forward since {day.carried_from} (沿用)")
    if day.manual:
        what = "uploaded" if day.manual == "upload" else f"confirmed empty, {day.manual_why},"
        said.append(f"{what} by {day.manual_by}")
    return "; ".join(text for text in said if text)


def print_ranking(month: str, rows: list[RankingRow], standing: str | None = None) -> None:
    """The ranking of a month, one table a league, under what was published of it."""
    from scoring.report import COLUMNS

    if not rows:
        out.print(f"no ranking for {month} yet")
    if standing:
        out.print(standing, markup=False)
    for league, members in groupby(rows, key=lambda row: row.league_zh):
        table(f"{month} {league}", COLUMNS, [row.cells() for row in members])


def print_night(night: Night) -> None:
    """Seconds by phase and the DAGs that did not succeed."""
    phases = ", ".join(f"{name} {seconds} s" for name, seconds in night.seconds.items())
    out.print(f"{night.dags} DAGs, {len(night.failed)} not successful; {phases}", markup=False)
    for dag in night.failed:
        out.print(f"  not successful: {dag}", markup=False)
