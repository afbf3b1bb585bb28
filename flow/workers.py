"""The DAGs of a night on a few worker processes: each as soon as what it waits for has ended."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from extracts import config
from flow.airflow_env import environment
from flow.child import child, tail
from flow.observe import nights
from flow.order import in_order, parent_feed

STAGES = ("quality", "indicators", "scoring", "publication")


def plan(specs: Mapping[str, FeedSpec], feeds: list[str] | None = None) -> dict[str, set[str]]:
    """DAG id → the ids that must have ended before it: parents of feeds, all feeds before the stages; what goes to
    upper levels comes last."""
    names = [name for name in in_order(dict(specs)) if feeds is None or name in feeds]
    waits: dict[str, set[str]] = {}
    for name in names:
        parent = parent_feed(specs[name], dict(specs))
        waits[f"feed.{name}"] = {f"feed.{parent}"} if parent in names else set()
    before = set(waits)
    for stage in STAGES:
        waits[stage] = before
        before = {stage}
    if config.asks_the_night():
        waits[nights.UPWARD] = before
    return waits


@dataclass
class Worker:
    """A process that runs one DAG at a time; `busy` names it."""

    process: subprocess.Popen[bytes]
    answers: IO[str]
    log: Path
    busy: str | None = None

    def run(self, dag_id: str) -> None:
        """Send it a DAG."""
        if self.process.stdin is None:
            raise Stop("CH-RUN-004", exit_code="?", log=str(self.log), detail="its standard input is closed")
        self.busy = dag_id
        self.process.stdin.write(f"{dag_id}\n".encode())
        self.process.stdin.flush()

    def end(self) -> None:
        """Let it go: no more DAGs come. Its state is in files and databases, so nothing is waited for."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()


@contextmanager
def workers(settings: Settings, day: date, env: dict[str, str], number: int) -> Iterator[list[Worker]]:
    """Start worker processes; their imports go on while the caller does other things. Together they use each processor
    once, unless `CITYHUB_THREADS` says otherwise: most deliveries are too small for two threads."""
    threads = os.environ.get("CITYHUB_THREADS") or str(max(1, (os.cpu_count() or 2) // number))
    env = {"CITYHUB_THREADS": threads, **env}
    with ExitStack() as stack:
        started = [_start(stack, settings, day, env, index) for index in range(number)]
        yield started
        for worker in started:
            worker.end()


def _start(stack: ExitStack, settings: Settings, day: date, env: dict[str, str], index: int) -> Worker:
    log = settings.home / "logs" / f"airflow-{index}.log"
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "flow.airflow_worker", day.isoformat(), str(writing)]
    process = stack.enter_context(
        child(command, log, environment(settings) | env, stdin=subprocess.PIPE, pass_fds=(writing,))
    )
    os.close(writing)
    answers = stack.enter_context(os.fdopen(reading, encoding="utf-8"))
    return Worker(process, answers, log)


def run_plan(started: list[Worker], waits: dict[str, set[str]]) -> Iterator[dict[str, Any]]:
    """Run every DAG of a plan; yields `{dag, state, seconds}` as each ends.

    Raises `Stop` CH-RUN-004 with the end of its log when a worker dies.
    """
    ended: set[str] = set()
    todo = list(waits)
    with selectors.DefaultSelector() as selector:
        for worker in started:
            selector.register(worker.answers, selectors.EVENT_READ, worker)
        while todo or any(worker.busy for worker in started):
            for worker in started:
                ready = next((dag_id for dag_id in todo if waits[dag_id] <= ended), None)
                if worker.busy is None and ready is not None:
                    todo.remove(ready)
                    worker.run(ready)
            for key, _ in selector.select():
                worker = key.data
                line = worker.answers.readline()
                if not line:
                    code = worker.process.wait()
                    raise Stop("CH-RUN-004", exit_code=code, log=str(worker.log), detail=tail(worker.log))
                record = json.loads(line)
                if record["dag"] is None:
                    continue
                worker.busy = None
                ended.add(record["dag"])
                yield record
