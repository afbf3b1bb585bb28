"""Carrying a plan out on the real warehouse: the same steps with the same bytes, and the proof that they gave the same.

A plan that was killed half-way is taken up again: every step writes only what is not there yet, and the note that it
was started (`<home>/plans/<id>/started`) holds the state that it started from.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from cityhub import clock, log
from cityhub.errors import Stop
from cityhub.files import sync, write_text
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from flow.plan import ground as grounds
from flow.plan import perform, store, world
from flow.plan.differ import Differences, differences
from flow.plan.ground import Ground
from flow.plan.judge import sha256, unequal
from flow.plan.store import Plan
from indicators import definitions
from warehouse import lake
from warehouse.landing import MANIFEST
from warehouse.migrate import migrate
from warehouse.shadow import current

logger = log.get("cityhub.plan")
STARTED = "started"


@dataclass(frozen=True)
class Applied:
    """What was done: who, why, when, between which snapshots; `unequal`: parts that came out otherwise than planned."""

    plan: str
    by: str
    reason: str
    at: str
    snapshot_before: int
    snapshot_after: int
    sha256: str
    unequal: tuple[str, ...]
    again: bool = False


def apply(settings: Settings, name: str, reason: str, by: str | None = None) -> Applied:
    """Carry out a plan under the lock of the night, check the result against it, and record who, why and when.

    Raises `Usage` CH-PLAN-001 and `Stop` CH-PLAN-003 (no such plan, altered), CH-PLAN-002 (the warehouse has changed
    since), CH-PLAN-004 (it was carried out and gave something else), `Retry` CH-LAKE-004 during a night. A plan that
    was applied already is left alone.
    """
    with lake.lock(settings, "nightly", timeout_s=1):
        plan = store.read(settings, name)
        if plan.applied is not None:
            return Applied(**{**plan.applied, "unequal": tuple(plan.applied["unequal"]), "again": True})
        ground = grounds.real(settings)
        files = _files(settings, plan)
        before = _started(settings, plan)
        if before is None:
            _check(ground, plan)
            before = current(settings)
            _start(settings, plan, before)
        _adopt(settings, plan)
        grounds.install(ground, files)
        with closing(lake.connect(settings)) as con:
            migrate(con, settings)
        perform.load_all(ground, plan.change.deliveries)
        perform.restate(ground, plan.change.todo, plan.id)
        found = _own(plan, differences(settings, before, settings, read_good(settings.feeds)[0]))
        wrong = () if sha256(found) == plan.sha256 else tuple(unequal(plan.changes, found) or ["order"])
        done = Applied(
            plan.id,
            by or getpass.getuser(),
            reason,
            clock.now().isoformat(),
            before,
            current(settings),
            sha256(found),
            wrong,
        )
        _record(settings, plan, done)
    log.event(logger, "plan_applied", run=plan.id, verified=not wrong)
    if wrong:
        raise Stop("CH-PLAN-004", plan=plan.id, problem="; ".join(wrong), snapshot=before)
    return done


def _own(plan: Plan, found: Differences) -> Differences:
    """Differences without what other feeds loaded in the meantime: pushed ones do so every minute."""
    feeds = {item.feed for item in plan.change.deliveries}
    parts = ("rows", "quarantine", "ledger", "checks")
    return found | {part: [row for row in found[part] if row["feed"] in feeds] for part in parts}


def _files(settings: Settings, plan: Plan) -> dict[str, bytes]:
    """The changed files as they were tried; raises `Stop` CH-PLAN-003 when one is not that any more."""
    found: dict[str, bytes] = {}
    for name, digest in plan.change.files.items():
        path = store.folder(settings, plan.id) / "files" / name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise Stop("CH-PLAN-003", plan=plan.id, file=str(path), detail="its digest is another")
        found[name] = content
    return found


def _check(ground: Ground, plan: Plan) -> None:
    """Raise `Stop` CH-PLAN-002 when the plan was made on another state than the present one."""
    inputs = grounds.digests(ground)
    why = [f"{kind} changed" for kind, digest in plan.inputs.items() if inputs[kind] != digest]
    why += world.moved(ground.settings, plan.snapshot, reads=_reads(ground, plan), until=plan.change.todo.until)
    if why:
        raise Stop("CH-PLAN-002", plan=plan.id, found="; ".join(why))


def _reads(ground: Ground, plan: Plan) -> world.Reads:
    every = definitions.read_all(ground.indicators)
    codes = {row["code"] for row in (*plan.changes["indicators"], *plan.changes["hours"])} | set(plan.change.todo.codes)
    tables = {table for code in codes if code in every for table in every[code].reads()} | set(plan.change.todo.tables)
    specs = read_good(ground.settings.feeds)[0].values()
    return world.Reads(
        tables=frozenset(tables),
        registries=frozenset(table for item in every.values() for table in item.registries),
        feeds=frozenset(spec.feed for spec in specs if spec.table in tables),
    )


def _started(settings: Settings, plan: Plan) -> int | None:
    path = store.folder(settings, plan.id) / STARTED
    return int(path.read_text(encoding="utf-8")) if path.is_file() else None


def _start(settings: Settings, plan: Plan, snapshot: int) -> None:
    """Note the state that everything after this is compared with."""
    write_text(store.folder(settings, plan.id) / STARTED, str(snapshot))


def _adopt(settings: Settings, plan: Plan) -> None:
    """Give the deliveries that the plan fetched their place in landing, each by one rename."""
    kept = store.folder(settings, plan.id) / "landing"
    for item in plan.change.deliveries:
        source = kept / item.feed / item.day.isoformat() / item.load_id
        target = settings.landing / item.feed / item.day.isoformat() / item.load_id
        if not (source / MANIFEST).is_file() or target.exists():
            continue
        work = target.with_name(f".{item.load_id}.partial")
        shutil.rmtree(work, ignore_errors=True)
        work.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, work)
        for path in (*work.iterdir(), work):
            sync(path)
        work.rename(target)
        sync(target.parent)


def _record(settings: Settings, plan: Plan, done: Applied) -> None:
    """The line in `plan_applied`, once, then the plan's own file."""
    values: dict[str, Any] = {
        "plan": plan.id, "kind": plan.change.kind, "subject": plan.change.subject, "reason": done.reason,
        "by": done.by, "planned": plan.made_at, "at": clock.now(), "before": done.snapshot_before,
        "after": done.snapshot_after, "sha256": done.sha256, "verified": not done.unequal,
    }  # fmt: skip
    with closing(lake.connect(settings)) as con, lake.write(con, settings, f"plan {plan.id}", run=plan.id):
        con.execute("DELETE FROM plan_applied WHERE plan = $plan", {"plan": plan.id})
        con.execute(
            "INSERT INTO plan_applied VALUES ($plan, $kind, $subject, $reason, $by, $planned, $at, $before, $after,"
            " $sha256, $verified)",
            values,
        )
    store.save(settings, replace(plan, applied=json.loads(json.dumps(asdict(done)))))
