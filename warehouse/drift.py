"""What a delivery's columns say against the spec: added, missing, renamed and retyped ones. Nothing is written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.compile import needed
from warehouse.compile_types import NOT_A
from warehouse.names import identifier, literal
from warehouse.readers.job import top
from warehouse.stage import Staged

UNREADABLE = frozenset({*NOT_A.values(), "not_an_integer"})
FEW = 3  # a type has not changed because of one or two bad values
ALIKE, AHEAD = 0.6, 0.15  # how like a missing name a new one must be, and how much more than the next best
SAMPLE = 1000


@dataclass(frozen=True)
class Columns:
    """Source columns that the spec does not know, and fields of which no row has a value: our name → source's."""

    added: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Retyped:
    """A field most of whose values cannot be read as its type."""

    name: str
    unreadable: int
    values: int
    soft: bool


def columns(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stage: Staged) -> Columns:
    """Names of the staged delivery against those of the spec.

    Of large deliveries only some records are looked at for names, so a column counts as missing when no row has a
    value of it.
    """
    if not stage.columns or not stage.rows:
        return Columns()
    sources = [field.source for field in spec.fields.values()]
    wanted = {*sources, *(top(source) for source in sources)}
    folded = {name.lower() for name in stage.columns}
    # Names with `_` in front are the hub's own (topic and time of a message, cell of a workbook).
    added = tuple(name for name in stage.columns if name not in wanted and not name.startswith("_"))
    suspects = {
        name: field.source
        for name, field in spec.fields.items()
        if top(field.source) not in stage.columns and field.source not in stage.columns
        and field.personal != "drop" and field.source.lower() not in folded
    }  # fmt: skip
    if not suspects:
        return Columns(added)
    counts = ", ".join(f"count({identifier(name)})" for name in suspects)
    found = con.execute(f"SELECT {counts} FROM temp.hub_stage").fetchone() or ()
    return Columns(added, tuple(item for item, count in zip(suspects.items(), found, strict=True) if not count))


def retyped(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stage: Staged) -> list[Retyped]:
    """Fields with at least the contract's share of unreadable values, where there is a value at all."""
    if stage.bad < FEW and stage.flagged < FEW:
        return []
    found = _refused(con) if stage.bad >= FEW else {}
    soft = [name for name, field in spec.fields.items() if field.type in NOT_A and not needed(spec, name)]
    soft = [name for name in soft if spec.fields[name].if_bad == "null"]
    if soft and stage.flagged >= FEW:
        words = {name: [f"{reason}:{name}" for reason in sorted(UNREADABLE)] for name in soft}
        tests = ", ".join(
            f"count(*) FILTER (list_has_any(notes, [{', '.join(literal(word) for word in listed)}]))"
            for listed in words.values()
        )
        counted = con.execute(
            f"SELECT {tests} FROM (SELECT string_split(_flags, ',') AS notes FROM temp.hub_stage"
            " WHERE _flags IS NOT NULL)"
        ).fetchone()
        found |= {name: count for name, count in zip(soft, counted or (), strict=True) if count}
    suspects = {name: count for name, count in found.items() if count >= FEW and name in spec.fields}
    suspects = {name: count for name, count in suspects.items() if spec.fields[name].personal != "drop"}
    if not suspects:
        return []
    counts = ", ".join(f"count({identifier(name)})" for name in suspects)
    readable = con.execute(f"SELECT {counts} FROM temp.hub_stage").fetchone() or ()
    return [
        Retyped(name, count, count + good, name in soft)
        for (name, count), good in zip(suspects.items(), readable, strict=True)
        if count >= spec.contract.retyped_share * (count + good)
    ]


def _refused(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Unreadable values of refused rows, by field."""
    each = "SELECT unnest(from_json(CAST(__bad AS JSON) -> '$.why', '[\"JSON\"]')) AS why FROM temp.hub_stage"
    rows = con.execute(
        f"SELECT why ->> '$.field', count(*) FROM ({each} WHERE __bad IS NOT NULL)"
        " WHERE list_contains($reasons::VARCHAR[], why ->> '$.reason') GROUP BY ALL",
        {"reasons": sorted(UNREADABLE)},
    ).fetchall()
    return {str(name): int(count) for name, count in rows}


def likely(source: str, name: str, added: tuple[str, ...]) -> str | None:
    """Which of the new columns is most like a missing one, by its own name or by ours; the only new one if one."""
    if len(added) == 1:
        return added[0]
    plain = {_plain(item): item for item in added}
    for word in (source, name):
        near = difflib.get_close_matches(_plain(word), list(plain), 1, cutoff=0.5)
        if near:
            return plain[near[0]]
    return None


def renamed(missing: tuple[tuple[str, str], ...], added: tuple[str, ...]) -> dict[str, str]:
    """Source → its new name, for missing columns for which exactly one new column is clearly it, and for nothing
    else: a wrong guess would put one thing's values under the name of another."""
    found: dict[str, str] = {}
    for name, source in missing:
        if source in found:
            continue
        scores = sorted(((max(_alike(source, new), _alike(name, new)), new) for new in added), reverse=True)
        if scores and scores[0][0] >= ALIKE and (len(scores) == 1 or scores[0][0] - scores[1][0] >= AHEAD):
            found[source] = scores[0][1]
    taken = list(found.values())
    return {source: new for source, new in found.items() if taken.count(new) == 1}


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, _plain(one.rsplit(".", 1)[-1]), _plain(other)).ratio()


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
