"""The ranking as rows for a terminal or a program: Chinese names, two decimals, the exact score beside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal

from cityhub.errors import HubError
from cityhub.settings import Settings
from scoring import scheme, tables
from scoring.explain_text import STATES
from scoring.month import SCHEME
from scoring.numbers import rounded, text
from scoring.publication.export import facts
from scoring.publication.manifest import Manifest, newest
from warehouse import lake
from warehouse.names import literal

COLUMNS = ("名次", "单位", "成绩", "等次", "状态", "完整率", "奖惩", "说明")
SELECT = (
    "SELECT league, unit_code, unit_name, score, grade, rank, state, reason, completeness, as_of, trace "
    f"FROM ranking WHERE scheme = {literal(SCHEME)} AND period = getvariable('month')"
)


@dataclass(frozen=True)
class RankingRow:
    """One unit. `score` is text with two decimals, `exact` the number itself; both None when held. `publication`: the
    month's newest one, and its `status`; both None before the first."""

    league: str
    league_zh: str
    rank: int | None
    unit_code: str
    unit_name: str
    score: str | None
    exact: str | None
    grade: str | None
    state: str
    state_zh: str
    completeness: str
    consequences: str
    money_yuan: str
    reason: str | None
    as_of: str
    publication: int | None = None
    status: str | None = None

    def cells(self) -> tuple[str, ...]:
        """The row under `COLUMNS`."""
        return (
            "–" if self.rank is None else str(self.rank),
            self.unit_name,
            self.score or "–",
            self.grade or "–",
            self.state_zh,
            self.completeness,
            self.consequences,
            _short(self.reason or ""),
        )


def _short(reason: str) -> str:
    """What fits beside a table; `explain` has all of it."""
    return reason if len(reason) <= 60 else f"{reason[:59]}…"


def ranking_rows(settings: Settings, month: str) -> list[RankingRow]:
    """The ranking of a month, league after league, ranked units first; empty when nothing was scored yet."""
    try:
        con = lake.connect(settings, read_only=True)
    except HubError as error:
        if error.code == "CH-LAKE-003":
            return []
        raise
    try:
        tables.set_month(con, SCHEME, month)
        rows = list(tables.rows(con, SELECT))
    finally:
        con.close()
    leagues = {league.id: (order, league.title.zh) for order, league in enumerate(scheme.load(SCHEME).leagues)}
    rows.sort(key=lambda row: (leagues[row["league"]][0], row["rank"] is None, row["rank"] or 0, row["unit_code"]))
    made = newest(settings.publications, month)
    return [_row(row, leagues[row["league"]][1], made) for row in rows]


def standing(settings: Settings, month: str) -> str | None:
    """The month's newest publication in one line: number, status, who answers for it; None before the first."""
    made = newest(settings.publications, month)
    return None if made is None else f"发布号 {made.number:06d}：{facts(made)}"


def _row(row: tables.Row, league: str, made: Manifest | None) -> RankingRow:
    trace = json.loads(row["trace"])
    return RankingRow(
        league=row["league"],
        league_zh=league,
        rank=row["rank"],
        unit_code=row["unit_code"],
        unit_name=row["unit_name"],
        score=trace.get("shown"),
        exact=text(row["score"]),
        grade=row["grade"],
        state=row["state"],
        state_zh=STATES[row["state"]],
        completeness=f"{rounded(Decimal(repr(row['completeness'])) * 100, 1)}%",
        consequences=" ".join(item["rule"] for item in trace.get("consequences", [])),
        money_yuan=trace.get("money_yuan") or "0",
        reason=row["reason"],
        as_of=row["as_of"].isoformat(),
        publication=None if made is None else made.number,
        status=None if made is None else made.status,
    )
