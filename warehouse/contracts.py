"""The contract of a feed at work: what a drift of its source's columns does to the delivery that is being loaded.

The delivery has been staged by the spec as it is. Only where a drift asks for another reading is it staged once more:
by the new name, without the values that cannot be read, or with the rows that the drift touches refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.contract import Reaction
from cityhub.spec.feed import FeedSpec
from warehouse import drift
from warehouse.compile import Also, needed
from warehouse.findings import Finding
from warehouse.names import identifier
from warehouse.stage import Staged, restage
from warehouse.suggest import Suggest
from warehouse.tables import stored_types


@dataclass
class Settled:
    """The delivery as the contract wants it staged, what was noticed, and the error that ends the load."""

    stage: Staged
    findings: list[Finding] = field(default_factory=list)
    stop: Stop | None = None


@dataclass
class _Reading:
    """How the delivery is to be read instead."""

    spec: FeedSpec
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()

    def refuse(self, reason: str, names: list[str]) -> None:
        self.rows += tuple((reason, name) for name in names)

    def change(self, name: str, **change: str) -> None:
        fields = {**self.spec.fields, name: self.spec.fields[name].model_copy(update=change)}
        self.spec = self.spec.model_copy(update={"fields": fields})


def settle(con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, stage: Staged) -> Settled:
    """Look for drift and do what the contract says. A clean delivery costs a comparison of names.

    `stop` is CH-LOAD-004 for a missing column that every row needs, CH-LOAD-009 where the contract says stop.
    """
    suggest = Suggest(con, settings, spec)
    seen = drift.columns(con, spec, stage)
    settled, reading = Settled(stage), _Reading(spec)
    pairs = drift.renamed(seen.missing, seen.added) if spec.contract.renamed is not None else {}
    _renamed(settled, reading, seen, pairs, suggest)
    _missing(settled, reading, seen, pairs, suggest)
    _new(settled, reading, seen, pairs, suggest)
    if settled.stop is None:
        _stage(settled, reading, spec)
        _retyped(con, settled, reading, suggest)
        _stage(settled, reading, settled.stage.job.spec)
    return settled


def _stage(settled: Settled, reading: _Reading, now: FeedSpec) -> None:
    also = Also(reading.columns, reading.rows)
    if settled.stop is None and (reading.spec is not now or also != settled.stage.job.also):
        settled.stage = restage(settled.stage, reading.spec, also)


def _renamed(settled: Settled, reading: _Reading, seen: drift.Columns, pairs: dict[str, str], suggest: Suggest) -> None:
    reaction = reading.spec.contract.renamed
    for source, new in pairs.items():
        names = [name for name, old in seen.missing if old == source]
        settled.findings.append(
            Finding(
                "column_renamed",
                "warning",
                f"no row has {source}; {new} is new and most like it",
                subject=source,
                observed=new,
                expected=source,
                row_count=settled.stage.rows,
                suggestion=suggest.rename(names, new),
            )
        )
        if reaction == "accept":
            for name in names:
                reading.change(name, source=new)
        elif reaction == "quarantine":
            reading.refuse("renamed_column", names)
        else:
            _stop(settled, reading.spec, "renamed", f"{source} is called {new} now")


def _missing(settled: Settled, reading: _Reading, seen: drift.Columns, pairs: dict[str, str], suggest: Suggest) -> None:
    reaction: Reaction = reading.spec.contract.missing
    for source in dict.fromkeys(old for _, old in seen.missing if old not in pairs):
        names = [name for name, old in seen.missing if old == source]
        near = drift.likely(source, names[0], seen.added)
        must = [name for name in names if needed(reading.spec, name)]
        settled.findings.append(
            Finding(
                "column_missing",
                "critical" if must else "warning",
                f"no row has a value of {source}",
                subject=source,
                observed=near,
                row_count=settled.stage.rows,
                suggestion=suggest.missing(names, near, must=bool(must)),
            )
        )
        if reaction == "quarantine":
            reading.refuse("missing_column", names)
        elif must:
            settled.stop = settled.stop or Stop(
                "CH-LOAD-004",
                feed=reading.spec.feed,
                column=source,
                field=must[0],
                unknown=", ".join(seen.added) or "none",
                likely=near or "the new name",
            )
        elif reaction == "stop":
            _stop(settled, reading.spec, "missing", f"no row has a value of {source}")


def _new(settled: Settled, reading: _Reading, seen: drift.Columns, pairs: dict[str, str], suggest: Suggest) -> None:
    reaction = reading.spec.contract.new
    for name in (name for name in seen.added if name not in pairs.values()):
        settled.findings.append(
            Finding(
                "column_added",
                "info",
                f"the spec does not know the column {name}",
                subject=name,
                suggestion=suggest.added(name),
            )
        )
        if reaction == "quarantine":
            reading.columns += (name,)
        elif reaction == "stop":
            _stop(settled, reading.spec, "new", f"the column {name} is new")


def _retyped(con: duckdb.DuckDBPyConnection, settled: Settled, reading: _Reading, suggest: Suggest) -> None:
    reaction = reading.spec.contract.retyped
    for item in drift.retyped(con, reading.spec, settled.stage):
        own = reading.spec.fields[item.name]
        settled.findings.append(
            Finding(
                "column_retyped",
                "warning",
                f"{item.unreadable} of {item.values} values of {own.source} are no {own.type}",
                subject=own.source,
                observed=suggest.kind(settled.stage, item.name),
                expected=own.type,
                row_count=item.unreadable,
                suggestion=suggest.retype(settled.stage, item.name),
            )
        )
        if reaction == "accept" and not item.soft and not needed(reading.spec, item.name):
            reading.change(item.name, if_bad="null")
        elif reaction == "quarantine" and item.soft:
            reading.change(item.name, if_bad="quarantine")
        elif reaction == "stop":
            _stop(settled, reading.spec, "retyped", settled.findings[-1].detail)


def _stop(settled: Settled, spec: FeedSpec, kind: str, detail: str) -> None:
    settled.stop = settled.stop or Stop("CH-LOAD-009", feed=spec.feed, kind=kind, detail=detail)


def has_values(con: duckdb.DuckDBPyConnection, spec: FeedSpec, source: str, day: str) -> bool:
    """Whether stored rows of the day have a value that comes from this source column."""
    names = [name for name, item in spec.fields.items() if item.source == source and item.personal != "drop"]
    if not names:
        return False
    stored = stored_types(con, spec.table)  # none yet: this is the feed's first delivery
    known = " OR ".join(f"{identifier(name)} IS NOT NULL" for name in names if name in stored)
    if not known:
        return False
    found = con.execute(
        f"SELECT 1 FROM {identifier(spec.table)} WHERE service_day = $day::DATE AND ({known}) LIMIT 1", {"day": day}
    ).fetchone()
    return found is not None
