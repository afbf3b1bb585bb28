"""A hub with a week of clean days behind it, and what comes up when the next day's delivery has one fault.

What a fault struck is known by comparison: the sandbox makes the same day once without any fault. Records that both
deliveries hold are good; every other record is struck.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one
from flow import steps
from flow.order import parent_feed
from sandbox import platforms
from sandbox.dataset import build
from sandbox.plan import parse
from sandbox.serve import Sandbox
from sandbox.world import World
from tests.night.hub import REPOSITORY
from warehouse import findings, lake, ledger, stage
from warehouse.compile import data_columns
from warehouse.landing import latest
from warehouse.names import identifier, identifiers
from warehouse.shadow import shadow

DAY = date(2026, 11, 20)
HISTORY = 6
FEEDS = REPOSITORY / "feeds"
TRANSPORTS = {"database": ("exchange",), "files": ("drops",)}
Row = tuple[str, int]  # natural key as text, hash of all data columns
Records = list[tuple[object, ...]]


@dataclass
class Outcome:
    """What came up. `signals`: `quarantine:out_of_range`, `finding:frozen`, `error:CH-PULL-015`, `state:held` … with
    counts, beyond what the clean day gives; `same`: the table is as after the clean day; `lost`: good records that
    are not in it; `struck`: records that the fault changed, added or took away."""

    fault: str
    signals: Counter[str] = field(default_factory=Counter)
    same: bool = False
    lost: int = 0
    struck: int = 0
    adds_up: bool = True

    @property
    def stopped(self) -> bool:
        """Whether an error kept the delivery out as a whole: its bytes wait in landing, and the ledger says why."""
        return any(signal.startswith("error:") for signal in self.signals)


@dataclass(frozen=True)
class Base:
    """A feed with its clean week, what the clean day gives, and the records of that day with the rows they become."""

    feed: str
    settings: Settings
    home: Path
    signals: Counter[str]
    table: frozenset[Row]
    records: Records
    rows: list[Row]


def spec_of(feed: str) -> FeedSpec:
    return one(FEEDS, feed)


def made(feed: str, fault: str) -> Records:
    """The day's records as the sandbox delivers them with a fault, in the order of `_staged`."""
    platform = feed.partition(".")[0]
    plan = parse([f"{platform}=scripted:none", *([f"{feed}={fault}"] if fault else [])], default=False)
    named = ((name, item) for name, item in platforms.load(platform).DATASETS.items() if item.feed == feed)
    table = build(World(1, DAY, 1.0, None, plan), *next(named))
    names = sorted(table.column_names)
    records = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    spec = spec_of(feed)
    if spec.source.kind == "database":  # a table has no order of its own
        at = [names.index(spec.fields[key].source) for key in spec.identity.key]
        records.sort(key=lambda record: [str(record[place]) for place in at])
    return records


@contextmanager
def city(home: Path, feed: str, fault: str = "") -> Iterator[None]:
    """The feed's platform with this fault and no other while the block runs."""
    platform = feed.partition(".")[0]
    plan = parse([f"{platform}=scripted:none", *([f"{feed}={fault}"] if fault else [])], default=False)
    transports = TRANSPORTS.get(spec_of(feed).source.kind, ())
    secrets = {"CITYHUB_SECRETS": str(home / "secrets"), "CITYHUB_NOW": "2026-11-21T05:00:00+08:00"}
    before = {name: os.environ.get(name) for name in secrets}
    with Sandbox(World(1, DAY, 1.0, None, plan), home, transports, only=[platform]) as running:
        for ago in range(HISTORY, 0, -1) if not fault else ():
            running._ensure_day(DAY - timedelta(days=ago))
        os.environ.update(secrets)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def prepare(home: Path, feed: str) -> Base:
    """The clean week and the clean day of a feed."""
    feeds = home / "feeds"
    feeds.mkdir(parents=True)
    specs = {path.stem: spec_of(path.stem) for path in sorted(FEEDS.glob("*.yaml"))}
    parent = parent_feed(specs[feed], specs)
    asked = specs[feed].watch.rate_sql or ""
    read = [name for name, spec in specs.items() if re.search(rf"\b{spec.table}\b", asked)]
    parents = [parent] if parent else read  # the registers that the feed's unit and watches are looked up in
    for name in (*parents, feed):
        shutil.copy(FEEDS / f"{name}.yaml", feeds)
    settings = Settings(home / "hub", feeds, str(home / "hub/lake/catalog.sqlite"), str(home / "hub/lake/data"))
    with city(home / "city", feed):
        for ago in range(HISTORY, 0, -1):
            for name in (*parents, feed):
                steps.sync(settings, name, DAY - timedelta(days=ago))
            steps.check(settings, DAY - timedelta(days=ago))
        for name in parents:
            steps.sync(settings, name, DAY)
        with shadow(settings) as branch:
            error = _night(branch.settings, feed)
            assert error is None, error
            signals = _signals(branch.settings, feed, None)
            table, rows = _table(branch.settings, feed), _staged(branch.settings, feed)
            _forget()
    return Base(feed, settings, home, signals, table, made(feed, ""), rows)


def play(base: Base, fault: str) -> Outcome:
    """The feed's day with a fault, on a branch of the clean week."""
    found = Outcome(fault)
    with city(base.home / "faulty", base.feed, fault), shadow(base.settings) as branch:
        error = _night(branch.settings, base.feed)
        beyond = _signals(branch.settings, base.feed, error) - base.signals
        for signal, count in beyond.items():
            found.signals[signal.partition("#")[0]] += count  # the same kind with other words is another finding
        table = _table(branch.settings, base.feed)
        with lake.connect(branch.settings, read_only=True) as con:
            row = ledger.row(con, base.feed, DAY)
        if row is not None and row.landed is not None:
            found.adds_up = row.landed == (row.loaded or 0) + (row.duplicate or 0) + (row.quarantined or 0)
        _forget()
    delivered = Counter(made(base.feed, fault))
    struck = delivered - Counter(base.records)
    good = [pair for pair in zip(base.records, base.rows, strict=True) if delivered[pair[0]]]
    gone = Counter(base.records) - delivered
    found.struck = sum(struck.values()) + sum(gone.values())
    found.same = table == base.table
    contested = {row[0] for record, row in zip(base.records, base.rows, strict=True) if record in gone}
    keys = {key for key, _ in table - base.table}  # keys that stand there with other values: a struck record won
    if not found.stopped:
        found.lost = sum(row in base.table and row not in table and row[0] not in keys | contested for _, row in good)
    return found


def _night(settings: Settings, feed: str) -> HubError | None:
    error = None
    try:
        steps.sync(settings, feed, DAY)
    except HubError as raised:
        error = raised
    steps.check(settings, DAY)
    return error


def _forget() -> None:
    """Close the process's connections before their lake goes."""
    steps._connection.cache_clear()
    steps.opened.cache_clear()


def _signals(settings: Settings, feed: str, error: HubError | None) -> Counter[str]:
    spec, found = spec_of(feed), Counter[str]()
    if error is not None:
        found[f"error:{error.code}"] += 1
    with lake.connect(settings, read_only=True) as con:
        row = ledger.row(con, feed, DAY)
        if row is not None:
            found.update({f"count:{name}": getattr(row, name) or 0 for name in ("duplicate", "late", "updated")})
            found[f"state:{row.state}"] += row.state in {"held", "failed"}
            for text in (row.findings or "").split("; ") if row.findings else []:
                found[f"note:{text.partition(':')[0]}"] += 1
        of_day = {"feed": feed, "day": DAY}
        for kind, sql in (
            (
                "quarantine",
                "SELECT reason, count(*) FROM quarantine WHERE feed = $feed AND service_day = $day GROUP BY 1",
            ),
            (
                "check",
                "SELECT check_id, 1 FROM quality_result WHERE feed = $feed AND service_day = $day AND NOT success",
            ),
        ):
            found.update({f"{kind}:{name}": count for name, count in con.execute(sql, of_day).fetchall()})
        flags = "SELECT f, count(*) FROM (SELECT unnest(string_split(_flags, ',')) AS f FROM {}) GROUP BY 1"
        found.update({f"flag:{name}": n for name, n in con.execute(flags.format(identifier(spec.table))).fetchall()})
        for item in findings.stored(con, feed=feed, day=DAY):
            found[f"finding:{item.kind}#{item.detail}"] += 1
    return +found


def _table(settings: Settings, feed: str) -> frozenset[Row]:
    with lake.connect(settings, read_only=True) as con:
        return frozenset(con.execute(f"SELECT {_row(feed)} FROM {identifier(spec_of(feed).table)}").fetchall())


def _staged(settings: Settings, feed: str) -> list[Row]:
    """The row that each record of the delivery becomes, in the order of the records."""
    manifest = latest(settings.landing / feed / DAY.isoformat())
    assert manifest is not None
    spec = spec_of(feed)
    order = identifiers(spec.identity.key) if spec.source.kind == "database" else "rowid"
    with lake.connect(settings) as con, stage.staged(con, settings, spec, manifest):
        return con.execute(f"SELECT {_row(feed)} FROM temp.hub_stage ORDER BY {order}").fetchall()


def _row(feed: str) -> str:
    spec = spec_of(feed)
    names = [name for name in data_columns(spec) if name not in {"_flags", "unit_code"}]
    return f"CAST(({identifiers(spec.identity.key)}) AS VARCHAR), hash({identifiers(names)})"
