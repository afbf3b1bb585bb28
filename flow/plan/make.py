"""Making a plan: the change is carried out in a shadow, and what came out otherwise is listed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from cityhub import clock
from cityhub.errors import HubError, Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one, parse_spec, read_good
from cityhub.spec.source import PUSHED
from connectors.pull import pull
from flow.backfill import days as all_days
from flow.plan import ground as grounds
from flow.plan import judge, perform, store
from flow.plan.change import Change, Delivered, Todo
from flow.plan.differ import differences
from flow.plan.ground import Ground
from flow.plan.store import Plan
from flow.steps import cursor_of
from warehouse import lake
from warehouse.landing import Manifest, deliveries, new_load_id
from warehouse.migrate import migrate
from warehouse.shadow import Shadow, shadow


@dataclass
class Trial:
    """A shadow at work: its ground, where what is fetched is kept, and what went wrong."""

    shadow: Shadow
    ground: Ground
    kept: Path
    taken: list[Delivered] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, manifest: Manifest) -> Delivered:
        """Note a delivery of the change."""
        self.taken.append(Delivered(manifest.feed, manifest.day(), manifest.load_id, manifest.content_sha256))
        return self.taken[-1]


def backfill(settings: Settings, feed: str, first: date, last: date) -> Plan:
    """What fetching these days again would change; apply takes exactly the bytes that were fetched here.

    A day that cannot be fetched is listed as a problem. Raises `Usage` CH-PLAN-005 for a feed that is pushed.
    """
    spec = one(settings.feeds, feed)
    if spec.source.kind in PUSHED:
        raise Usage("CH-PLAN-005", feed=feed, kind=spec.source.kind)
    change = Change("backfill", f"{feed} {first} … {last}", feed, first, last)

    def fetch(trial: Trial) -> Iterator[Delivered]:
        for day in all_days(first, last):  # each is loaded before the next is fetched, which may start where it ended
            trial.shadow.link_landing(feed, day)
            try:
                manifest = pull(trial.ground.settings, spec, day, cursor=_cursor(trial.ground.settings, spec, day))
            except HubError as error:
                trial.problems.append(f"{day} {error.code}: {error.part('what')}")
                continue
            _keep(trial, manifest)
            yield trial.take(manifest)

    return _plan(settings, change, fetch)


def replay(settings: Settings, feed: str, days: list[date]) -> Plan:
    """What loading the landed deliveries of these days again, under the present spec, would change."""
    one(settings.feeds, feed)
    subject = f"{feed} {days[0]} … {days[-1]}" if days else feed
    change = Change("replay", subject, feed, days[0] if days else None, days[-1] if days else None)
    return _plan(settings, change, lambda trial: _landed(trial, feed, days))


def spec(settings: Settings, file: Path, days: list[date]) -> Plan:
    """What a changed or new spec would make of the raw bytes that landed on these days."""
    read = parse_spec(file)
    change = Change(
        "spec", f"{read.feed} {file.name}", read.feed, days[0] if days else None, days[-1] if days else None
    )
    files = {f"specs/{read.feed}.yaml": file.read_bytes()}
    return _plan(settings, change, lambda trial: _landed(trial, read.feed, days), files=files)


def rule(settings: Settings, subject: str, files: Mapping[str, bytes], todo: Todo) -> Plan:
    """What changed schemes, policies or indicator definitions would make of days and months that are there."""
    return _plan(settings, Change("rule", subject), lambda _: (), files=files, todo=todo)


def late(settings: Settings) -> Plan:
    """What the next night will restate because of rows that came late."""
    return _plan(settings, Change("late", "late rows"), lambda _: ())


def _plan(
    settings: Settings,
    change: Change,
    get: Callable[[Trial], Iterable[Delivered]],
    *,
    files: Mapping[str, bytes] | None = None,
    todo: Todo | None = None,
) -> Plan:
    name = f"{change.kind}-{new_load_id()}"
    kept = store.folder(settings, name)
    own = grounds.real(settings)
    try:
        with shadow(settings) as made:
            ground = grounds.changed(own, made.settings, files or {})
            with closing(lake.connect(ground.settings)) as con:
                migrate(con, ground.settings)
            trial = Trial(made, ground, kept)
            results = perform.load_all(ground, get(trial))
            settled = perform.follow(ground, results, since=made.snapshot, rule=todo or Todo())
            perform.restate(ground, settled)
            specs = read_good(ground.settings.feeds)[0]
            found = differences(settings, made.snapshot, ground.settings, specs)
            if finals := judge.finals(settings.publications, settled.months):
                perform.correct(ground, {month: item.switches for month, item in finals.items()})
                corrected = differences(settings, made.snapshot, ground.settings, specs)
                judge.add_corrected(found["publications"], finals, corrected["ranking"])
            digest = {name: _put(kept / "files" / name, content) for name, content in (files or {}).items()}
            change = replace(change, deliveries=tuple(trial.taken), todo=settled, files=digest)
            plan = Plan(name, change, clock.now(), made.snapshot, grounds.digests(own), found, tuple(trial.problems))
    except BaseException:
        shutil.rmtree(kept, ignore_errors=True)
        raise
    store.save(settings, plan)
    return plan


def _landed(trial: Trial, feed: str, days: list[date]) -> Iterator[Delivered]:
    """All deliveries of the days, oldest first. Raises `Usage` CH-PLAN-009 when nothing is there any more."""
    for day in days:
        trial.shadow.link_landing(feed, day)
        for manifest in deliveries(trial.ground.settings.landing / feed / day.isoformat()):
            yield trial.take(manifest)
    if not trial.taken:
        raise Usage("CH-PLAN-009", feed=feed)


def _cursor(settings: Settings, spec: FeedSpec, day: date) -> str | None:
    with closing(lake.connect(settings, read_only=True)) as con:
        return cursor_of(settings, spec, day, con=con)


def _keep(trial: Trial, manifest: Manifest) -> None:
    """Keep a delivery that was fetched now; one that the real landing has already is there."""
    folder = Path(manifest.folder)
    if not folder.is_symlink():
        shutil.copytree(folder, trial.kept / "landing" / manifest.feed / manifest.service_day / manifest.load_id)


def _put(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
