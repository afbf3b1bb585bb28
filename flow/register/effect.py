"""What a changed spec would make of the deliveries that are archived: both specs over the same bytes, in memory.

Nothing is written. Rows of a delivery are compared one by one; values of personal fields are counted, not shown.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from cityhub.clock import yesterday
from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.register.examples import plain
from warehouse.compile import stage_columns
from warehouse.landing import Manifest, latest
from warehouse.names import identifier
from warehouse.trial import engine, exposed_fields, stage

DAYS = 7
# Filled by the load from other tables, or an instant that says the same as its column.
NOT_COMPARED = {"_version"}


@dataclass
class Effect:
    """Rows of the archived deliveries: newly refused by (reason, field), released, and changed by column."""

    days: list[date] = field(default_factory=list)
    rows: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_rows: int = 0
    released_rows: int = 0
    changed_rows: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Key of the row, column, value now, value then."""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    errors: list[tuple[date, HubError]] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether the change shows nowhere in what is archived."""
        return not (self.refused_rows or self.released_rows or self.changed_rows or self.errors)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "days": self.days, "rows": self.rows, "newly_refused": self.refused_rows,
            "reasons": [{"reason": r, "field": f, "rows": n} for (r, f), n in self.refused.most_common()],
            "released": self.released_rows, "changed": self.changed_rows, "changed_columns": dict(self.changed),
            "samples": [dict(zip(("row", "column", "now", "then"), item, strict=True)) for item in self.samples],
            "columns_added": self.added, "columns_removed": self.removed,
            "errors": [{"day": day, **error.as_dict()} for day, error in self.errors],
        }  # fmt: skip


def effect(settings: Settings, old: FeedSpec, new: FeedSpec, *, days: int = DAYS) -> Effect:
    """Compare over the newest delivery of each of the last days."""
    found = Effect()
    before, after = stage_columns(old), stage_columns(new)
    found.added = tuple(name for name in after if name not in before)
    found.removed = tuple(name for name in before if name not in after)
    for back in range(days, 0, -1):
        day = yesterday() - timedelta(days=back - 1)
        manifest = latest(settings.landing / old.feed / day.isoformat())
        if manifest is None:
            continue
        found.days.append(day)
        try:
            _compare(old, new, manifest, found)
        except HubError as error:
            found.errors.append((day, error))
    return found


def _compare(old: FeedSpec, new: FeedSpec, manifest: Manifest, found: Effect) -> None:
    with engine() as con, TemporaryDirectory(prefix="cityhub-effect-") as folder:
        for name, spec in (("then", old), ("now", new)):
            work = Path(folder) / name
            work.mkdir()
            # How to read the bytes is a part of the spec that a delivery brings along: the new one's is the question.
            asked = manifest if spec is old else _read_as(manifest, new)
            stage(con, spec, asked, work)
            con.execute(f"CREATE OR REPLACE TEMP TABLE hub_{name} AS SELECT * FROM temp.hub_stage")
        _count(con, old, new, found)


def _read_as(manifest: Manifest, spec: FeedSpec) -> Manifest:
    from dataclasses import replace

    names = ("encoding", "delimiter", "decimal", "header_row", "sheet", "record")
    options = {
        name: getattr(spec.source, name, None) or value for name, value in manifest.options.items() if name in names
    }
    return replace(manifest, options={**manifest.options, **options})


def _count(con: duckdb.DuckDBPyConnection, old: FeedSpec, new: FeedSpec, found: Effect) -> None:
    both = "temp.hub_then AS t FULL JOIN temp.hub_now AS n ON t.__place = n.__place"
    fresh = "coalesce(t.__bad, '') = '' AND n.__bad IS NOT NULL"
    counts = con.execute(
        f"SELECT count(*), count(*) FILTER ({fresh}), count(*) FILTER (t.__bad IS NOT NULL AND n.__bad IS NULL)"
        f" FROM {both}"
    ).fetchone() or (0, 0, 0)
    found.rows += counts[0]
    found.refused_rows += counts[1]
    found.released_rows += counts[2]
    for (bad,) in con.execute(f"SELECT n.__bad FROM {both} WHERE {fresh}").fetchall():
        found.refused.update({(item["reason"], item["field"]) for item in json.loads(bad)["why"]})
    common = [name for name in stage_columns(old) if name in stage_columns(new) and name not in NOT_COMPARED]
    if common:
        _changed(con, old, new, common, found)


def _changed(con: duckdb.DuckDBPyConnection, old: FeedSpec, new: FeedSpec, common: list[str], found: Effect) -> None:
    joined = (
        "FROM temp.hub_then AS t INNER JOIN temp.hub_now AS n ON t.__place = n.__place"
        " WHERE t.__bad IS NULL AND n.__bad IS NULL"
    )
    differs = {
        name: f"CAST(t.{identifier(name)} AS VARCHAR) IS DISTINCT FROM CAST(n.{identifier(name)} AS VARCHAR)"
        for name in common
    }
    counted = ", ".join(f"count(*) FILTER ({test})" for test in differs.values())
    total, *each = con.execute(
        f"SELECT count(*) FILTER ({' OR '.join(differs.values())}), {counted} {joined}"
    ).fetchone() or (0,)
    found.changed_rows += total
    personal = {name for spec in (old, new) for name, item in spec.fields.items() if item.personal != "no"}
    personal |= exposed_fields(old) | exposed_fields(new)
    keys = [name for name in old.identity.key if name in common and name not in personal]
    key = "concat_ws('|', " + ", ".join(["''", *(f"t.{identifier(name)}" for name in keys)]) + ")"
    for name, count in zip(common, each, strict=True):
        if not count:
            continue
        found.changed[name] += count
        if name in personal or any(item[1] == name for item in found.samples):
            continue
        at = identifier(name)
        for row in con.execute(f"SELECT {key}, t.{at}, n.{at} {joined} AND {differs[name]} LIMIT 3").fetchall():
            found.samples.append((str(row[0]).lstrip("|"), name, plain(row[1]), plain(row[2])))
