"""A change that can be tried in a shadow and then carried out: what it is, and what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, get_args

Kind = Literal["backfill", "replay", "spec", "rule", "late"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, order=True)
class Delivered:
    """One delivery in landing that the change loads; `content_sha256` is what it must still be."""

    feed: str
    day: date
    load_id: str
    content_sha256: str


@dataclass(frozen=True)
class Todo:
    """What follows from the loads: days to check and compute again, months to score; settled once, in the shadow.

    `tables`: canonical tables that were loaded into; `codes`: indicators whose definition changes; `check`: day →
    feeds whose quality run is repeated; `until`: the last day that is computed.
    """

    days: tuple[date, ...] = ()
    tables: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    check: tuple[tuple[date, tuple[str, ...]], ...] = ()
    until: date | None = None


@dataclass(frozen=True)
class Change:
    """`subject` says in one line what it is; `files`: kind of file (specs, schemes, indicators) / name → sha256 of what
    is put in its place; `deliveries` are loaded in their order."""

    kind: Kind
    subject: str
    feed: str | None = None
    first: date | None = None
    last: date | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    deliveries: tuple[Delivered, ...] = ()
    todo: Todo = field(default_factory=Todo)


def to_json(change: Change) -> dict[str, Any]:
    """The change as plain values; dates as ISO texts."""
    return dict(_plain(asdict(change)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def from_json(content: Mapping[str, Any]) -> Change:
    """The change back from `to_json`; raises KeyError, TypeError or ValueError for anything else."""
    todo, day = content["todo"], date.fromisoformat
    return Change(
        kind=content["kind"],
        subject=content["subject"],
        feed=content["feed"],
        first=day(content["first"]) if content["first"] else None,
        last=day(content["last"]) if content["last"] else None,
        files=dict(content["files"]),
        deliveries=tuple(Delivered(**{**item, "day": day(item["day"])}) for item in content["deliveries"]),
        todo=Todo(
            days=tuple(day(item) for item in todo["days"]),
            tables=tuple(todo["tables"]),
            codes=tuple(todo["codes"]),
            months=tuple(todo["months"]),
            check=tuple((day(item), tuple(feeds)) for item, feeds in todo["check"]),
            until=day(todo["until"]) if todo["until"] else None,
        ),
    )
