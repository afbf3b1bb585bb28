"""`feed plan`: what would come with a spec: table, columns, DAG, indicators, and what of the archive would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.register.activation import effect_of, what_comes
from flow.register.compare import Change, changes, loaded_or_none
from flow.register.effect import DAYS, Effect
from warehouse.tables import column_types, stored_types


@dataclass(frozen=True)
class Plan:
    """`table`: new, grows, stays or refused (with `error`); `columns` are those that would be added."""

    feed: str
    table: str
    columns: dict[str, str]
    error: HubError | None
    indicators: tuple[str, ...]
    changed: tuple[Change, ...]
    effect: Effect | None
    next: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "feed": self.feed, "table": self.table, "columns": self.columns,
            "error": self.error.as_dict() if self.error else None, "indicators": self.indicators,
            "changed": [vars(item) for item in self.changed],
            "effect": self.effect.as_dict() if self.effect else None, "next": self.next,
        }  # fmt: skip


def plan(settings: Settings, spec: FeedSpec, *, days: int = DAYS) -> Plan:
    """Look ahead; nothing is written."""
    stored = _stored(settings, spec.table)
    wanted = column_types(spec)
    error: HubError | None = None
    for name, kind in wanted.items():
        if name in stored and stored[name] != kind and error is None:
            error = Stop(
                "CH-TABLE-002", feed=spec.feed, table=spec.table, column=name, stored=stored[name], wanted=kind
            )
    fresh = {name: kind for name, kind in wanted.items() if name not in stored}
    table = "refused" if error else "new" if not stored else "grows" if fresh else "stays"
    old = loaded_or_none(settings, spec.feed)
    return Plan(
        spec.feed, table, fresh, error, tuple(_indicators(spec)), tuple(changes(old, spec) if old else ()),
        effect_of(settings, spec, days=days), tuple(what_comes(spec)),
    )  # fmt: skip


def _stored(settings: Settings, table: str) -> dict[str, str]:
    from warehouse import lake

    try:
        con = lake.connect(settings, read_only=True)
    except Stop:  # no warehouse yet
        return {}
    try:
        return stored_types(con, table)
    finally:
        con.close()


def _indicators(spec: FeedSpec) -> list[str]:
    from indicators.definitions import read_all

    found = read_all().values()
    return sorted(f"{item.code} {item.title.zh}" for item in found if spec.table in item.reads())
