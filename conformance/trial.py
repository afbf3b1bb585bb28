"""One trial: a copy of the feed under its own name and table, with its source under our control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from cityhub.errors import HubError
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from conformance import dump, vary
from conformance.hub import Hub, night_after, set_now
from conformance.records import Record, value
from conformance.result import SPEC, must
from conformance.sample import Sample
from conformance.stand import FINE, Fault, Stand, stand
from warehouse import ledger
from warehouse.load import LoadResult


@dataclass
class Bench:
    """What the cases of one feed share."""

    hub: Hub
    spec: FeedSpec
    sample: Sample

    @property
    def day(self) -> date:
        """The service day of the sample."""
        return self.sample.day

    @property
    def rows(self) -> list[Record]:
        """The sample's rows."""
        return list(self.sample.rows)

    @property
    def pushed(self) -> bool:
        """Whether devices bring the rows themselves."""
        return self.spec.source.kind in PUSHED

    def bad_rows(self) -> list[Record]:
        """Rows that the spec's examples want refused, with keys that no good row has."""
        bad = [dict(example.given) for example in self.spec.examples if example.quarantine]
        if self.spec.source.kind in PUSHED - {"mqtt"}:
            return []  # what a protocol cannot carry cannot be sent
        return [vary.with_key(self.spec, row, 71) or row for row in bad]

    @cached_property
    def undisturbed(self) -> list[str]:
        """What the feed's table holds after one delivery of the sample in which nothing went wrong."""
        with self.trial() as twin:
            twin.brings(self.rows)
            return twin.table()

    @contextmanager
    def trial(self, *, source: Mapping[str, Any] | None = None, **changes: Any) -> Iterator[Trial]:
        """A fresh copy of the feed; `changes` replace parts of its spec, `source` parts of its source."""
        number = self.hub.number()
        set_now(night_after(self.day))
        feed, table = f"{self.spec.feed}_t{number}", f"{self.spec.table}_t{number}"
        body = self.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        body |= {"feed": feed, "table": table, "active": True, "examples": [], "checks": []}
        for field in body["fields"].values():  # what is read again at each run is kept short
            field.pop("title", None)
            field.pop("description", None)
        body["arrives"] = {**body.get("arrives", {}), "min_rows": 0, "max_rows": None}
        for name, change in changes.items():
            body[name] = {**body.get(name, {}), **change} if isinstance(change, Mapping) else change
        pushed = self.spec.source.kind in PUSHED
        folder = self.hub.settings.spool / feed if pushed else self.hub.settings.home / "source" / feed
        stood = stand(self.spec, folder, self.sample.envelope)
        try:
            body["source"] = {**body["source"], **stood.source(), **(source or {})}
            spec = FeedSpec.model_validate(body)
            self.hub.add(spec)
            yield Trial(self, spec, stood)
            self.hub.forget(spec)
        finally:
            stood.close()


@dataclass
class Trial:
    """A copy of the feed with its source."""

    bench: Bench
    spec: FeedSpec
    stand: Stand

    def offer(self, rows: Sequence[Record], fault: Fault = FINE, *, day: date | None = None) -> None:
        """What the source has from now on (a pushed feed's devices send it once)."""
        self.stand.offer(rows, day or self.bench.day, fault)

    def sync(self, day: date | None = None) -> LoadResult:
        """Land and load the day; the sum of what was loaded. Every delivery's counts must add up."""
        results = self.bench.hub.sync(self.spec.feed, day or self.bench.day)
        self.balanced()
        fresh = [result for result in results if not result.repeated] or results[-1:]
        must(len(fresh) == 1, f"one delivery was expected to load, {len(fresh)} did")
        return fresh[0]

    def brings(self, rows: Sequence[Record], *, day: date | None = None) -> LoadResult:
        """Offer and sync."""
        self.offer(rows, day=day)
        return self.sync(day)

    def refuses(self, day: date | None = None) -> HubError | None:
        """Sync, and the error in which it ends; None when it ends well."""
        try:
            self.sync(day)
        except HubError as error:
            self.balanced()
            return error
        return None

    def balanced(self) -> None:
        """landed = loaded + duplicate + quarantined, in the ledger and in the log of loads."""
        wrong = f"feed = '{self.spec.feed}' AND landed <> loaded + duplicate + quarantined"
        counts = "landed, loaded, duplicate, quarantined"
        found = self.bench.hub.rows(
            f"SELECT {counts} FROM load_log WHERE {wrong} UNION ALL SELECT {counts} FROM delivery WHERE {wrong}"
        )
        text = "" if not found else "landed {} is not loaded {} + duplicate {} + quarantined {}".format(*found[0])
        must(not found, text)

    def stored(self, columns: str = "count(*)", where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of the feed's table."""
        return self.bench.hub.rows(f'SELECT {columns} FROM "{self.spec.table}" WHERE {where}')

    def count(self, where: str = "true") -> int:
        """How many rows the feed's table has."""
        known = self.bench.hub.rows(f"SELECT 1 FROM duckdb_tables() WHERE table_name = '{self.spec.table}'")
        return int(self.stored(where=where)[0][0]) if known else 0

    def quarantined(self) -> int:
        """How many rows of the feed are refused."""
        return int(self.bench.hub.rows(f"SELECT count(*) FROM quarantine WHERE feed = '{self.spec.feed}'")[0][0])

    def noted(self) -> str:
        """All findings about the feed: those of the ledger, and those of the table `finding`."""
        rows = self.bench.hub.rows(f"SELECT findings FROM delivery WHERE feed = '{self.spec.feed}' AND findings <> ''")
        rows += self.bench.hub.rows(
            f"SELECT kind || coalesce(':' || subject, '') || ' ' || detail FROM finding WHERE feed = '{self.spec.feed}'"
        )
        return "; ".join(str(text) for (text,) in rows)

    def ledger_error(self) -> str | None:
        """The code of the error that the ledger holds for the day."""
        row = ledger.row(self.bench.hub.con, self.spec.feed, self.bench.day)
        return row.error_code if row else None

    def dump(self) -> dump.Dump:
        """All that stands in the hub of the feed, but for ids and moments."""
        return dump.canonical(self.bench.hub, self.spec, of_feed=self.bench.spec.feed)

    def table(self) -> list[str]:
        """The feed's rows alone, but for ids and moments."""
        of_feed = self.bench.spec.feed
        return dump.canonical(self.bench.hub, self.spec, of_feed=of_feed, only=self.spec.table).get("", [])


def day_before(day: date, days: int = 1) -> date:
    """So many days earlier."""
    return day - timedelta(days=days)


def settled(bench: Bench) -> Bench:
    """The bench with the rows of its sample that the hub takes: a real sample has bad ones, too. Raises `Broken` when
    it takes none."""
    with bench.trial() as trial:
        result = trial.brings(bench.rows)
        refused = f"FROM quarantine WHERE feed = '{trial.spec.feed}'"
        why = bench.hub.rows(f"SELECT reason, field, value, natural_key {refused}")
    if not result.quarantined:
        return bench
    bad = {str(key) for _, _, _, key in why}
    good = [row for row in bench.rows if _natural_key(bench.spec, row) not in bad]
    reason, name, found, _ = why[0]
    must(bool(good), f"of {len(bench.rows)} sample rows none is good: {reason}, {name} = {found!r}", SPEC)
    return replace(bench, sample=replace(bench.sample, rows=tuple(good)))


def _natural_key(spec: FeedSpec, row: Record) -> str:
    found = (value(row, spec.fields[name].source) for name in spec.identity.key)
    return "|".join(str(item) for item in found if item is not None)
