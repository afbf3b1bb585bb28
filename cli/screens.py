"""Screens: status, ranking, what a night was. Chinese first where leaders read, English where operators do."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from cli.output import out, table

if TYPE_CHECKING:
    from flow.nightly import Night
    from scoring.report import RankingRow
    from warehouse.status import Status


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
        )
        for p in found.platforms
    ]
    columns = ("平台", "platform", "状态", "feeds ok", "landed", "loaded", "quarantined", "last data")
    table(f"service day {found.day}, as of {found.as_of:%Y-%m-%d %H:%M}", columns, rows)
    if not found.actions:
        out.print("nothing needs action")
        return
    actions = [
        (f.feed, f.word_zh, f.since, f.whose_move, f"{f.error_code or ''} {f.error or ''}") for f in found.actions
    ]
    table("needs action", ("feed", "状态", "since", "whose move", "what"), actions)


def print_ranking(month: str, rows: list[RankingRow]) -> None:
    """The ranking of a month, one table a league."""
    from scoring.report import COLUMNS

    if not rows:
        out.print(f"no ranking for {month} yet")
    for league, members in groupby(rows, key=lambda row: row.league_zh):
        table(f"{month} {league}", COLUMNS, [row.cells() for row in members])


def print_night(night: Night) -> None:
    """Seconds by phase and the DAGs that did not succeed."""
    phases = ", ".join(f"{name} {seconds} s" for name, seconds in night.seconds.items())
    out.print(f"{night.dags} DAGs, {len(night.failed)} not successful; {phases}", markup=False)
    for dag in night.failed:
        out.print(f"  not successful: {dag}", markup=False)
