"""Positions that moved together: another coordinate system, or one number on two trucks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.coordinates import to_wgs84
from warehouse.findings import Finding
from warehouse.gaps import device_columns
from warehouse.names import identifier
from warehouse.watch.scan import Scan

FOLDER = Path(__file__).parent / "sql"
OVERLAP = (FOLDER / "overlap.sql").read_text(encoding="utf-8")
_JUMPED = "SELECT d, jumps, make_timestamptz(jumped_at) FROM watch_device WHERE jumps > 0"
LEAST = 50  # positions of a device
BETTER = 0.25  # so much more of the day lies where the days before lay, when it is moved back
NAMED = 5
SYSTEMS = ("gcj02", "bd09")


def watch(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, seen: Scan | None, day: date, before: date | None
) -> Iterator[Finding]:
    """`coordinates_shifted`: a device's positions lie where they lay before once the known offset of another system
    is taken off. `teleport`: a device is in two places within a time in which nothing gets there."""
    at = spec.identity.day_from
    if seen is None or spec.location is None or at is None or spec.fields[at].type != "timestamp":
        return
    if before is not None and "places" not in spec.watch.off:
        devices = ", ".join(identifier(name) for name in device_columns(spec))
        names = {"device": f"concat_ws('/', {devices})", "table": seen.table}
        yield from _shifted(con, names, day, before)
    if seen.places:
        found = con.execute(_JUMPED).fetchall()
        known = seen.names.of([row[0] for row in found])
        rows = sorted(((known[d], count, first) for d, count, first in found), key=lambda row: (-row[1], row[0]))
        if rows:
            some = "; ".join(f"{name}: {count} times, first at {first:%H:%M}" for name, count, first in rows[:NAMED])
            yield Finding(
                "teleport", "warning", f"positions no vehicle can drive between: {some}", None,
                observed=f"{len(rows)} devices", row_count=sum(row[1] for row in rows),
            )  # fmt: skip


def _shifted(con: duckdb.DuckDBPyConnection, names: dict[str, str], day: date, before: date) -> Iterator[Finding]:
    table = names["table"]
    middle = con.execute(
        f"SELECT median(lon_wgs84), median(lat_wgs84) FROM {table} WHERE service_day = $day", {"day": before}
    ).fetchone()
    if middle is None or middle[0] is None:
        return
    moves = {"": (0.0, 0.0)} | _offsets(con, *middle)
    values = ", ".join(f"('{name}', {x!r}::DOUBLE, {y!r}::DOUBLE)" for name, (x, y) in moves.items())
    rows = con.execute(OVERLAP.format(moves=values, **names), {"day": day, "before": before, "least": LEAST}).fetchall()
    struck = [(device, move, own, best) for device, move, own, best in rows if move and best - own >= BETTER]
    if not struck:
        return
    kinds = sorted({move for _, move, _, _ in struck})
    some = "; ".join(f"{device} ({move}: {own:.0%} → {best:.0%})" for device, move, own, best in struck[:NAMED])
    yield Finding(
        "coordinates_shifted", "critical" if len(struck) > len(rows) / 2 else "warning",
        f"positions fit those of {before} only when they are moved back: {some}", ", ".join(kinds),
        observed=f"{len(struck)} of {len(rows)} devices", expected="the coordinate system that the spec says",
        row_count=len(struck),
    )  # fmt: skip


def _offsets(con: duckdb.DuckDBPyConnection, lon: float, lat: float) -> dict[str, tuple[float, float]]:
    """What the systems are apart here, in degrees; within a county it is the same everywhere to a few metres."""
    found: dict[str, tuple[float, float]] = {}
    for system in SYSTEMS:
        point = f"(SELECT {lon!r}::DOUBLE AS lon, {lat!r}::DOUBLE AS lat)"
        con.execute(f"CREATE OR REPLACE TEMP TABLE watch_point AS SELECT * FROM {point}")
        x, y = con.execute(
            f"SELECT lon_wgs84, lat_wgs84 FROM ({to_wgs84('watch_point', system, 'lon', 'lat')})"
        ).fetchall()[0]
        found[f"{system} taken for the agreed one"] = (lon - x, lat - y)
        found[f"the agreed one taken for {system}"] = (x - lon, y - lat)
    return found
