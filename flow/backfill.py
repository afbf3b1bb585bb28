"""Backfill of one feed over several service days, through Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from cityhub.errors import Retry
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import one
from flow.airflow_env import environment
from flow.order import parent_feed
from flow.steps import active, open_day
from flow.workers import plan, run_plan, workers


def days(first: date, last: date) -> list[date]:
    """All service days from the first to the last, both included."""
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def through_scheduler(settings: Settings, feed: str, first: date, last: date) -> list[str]:
    """Ask the running scheduler for one run per day: `airflow backfill create`; the stages follow by partition.

    A DAG that follows its parent's asset has no clock to fill back, so its runs are triggered with the day as
    partition key. Returns what Airflow says. Raises `Retry` CH-RUN-005 with Airflow's own words when it refuses.
    """
    spec = one(settings.feeds, feed)
    if parent_feed(spec, active(settings)) is None:
        command = ["airflow", "backfill", "create", "--dag-id", f"feed.{feed}", "--reprocess-behavior", "completed"]
        # The dates are service days (partition dates), and instants: midnight would leave the last day out.
        command += ["--from-date", f"{first}T00:00", "--to-date", f"{last}T23:59"]
    else:
        command = ["flow.airflow_trigger", f"feed.{feed}", *(day.isoformat() for day in days(first, last))]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY, env=_env(settings), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Retry("CH-RUN-005", feed=feed, detail=(done.stderr or done.stdout).strip()[-400:])
    return done.stdout.strip().splitlines()


def in_process(settings: Settings, feed: str, first: date, last: date) -> Iterator[dict[str, Any]]:
    """Run the feed's DAG and the stages for each day without a scheduler; yields `{day, dag, state, seconds}`."""
    one(settings.feeds, feed)
    waits = plan(active(settings), [feed])
    for day in days(first, last):
        open_day(settings, day)
        with workers(settings, day, {}, 1) as started:
            for record in run_plan(started, waits):
                yield {"day": day.isoformat(), **record}


def _env(settings: Settings) -> dict[str, str]:
    return os.environ | environment(settings)
