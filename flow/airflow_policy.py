"""What every task of ours has in common: retries by error family, time limits, deadline alerts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryRule,
    task,
)
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from cityhub.errors import Retry, Stop, Unauthorised, Usage
from cityhub.spec.feed import FeedSpec
from flow.airflow_env import use_connections
from flow.alerts import task_failed
from flow.order import parent_feed


def task_defaults(owner: str) -> dict[str, Any]:
    """Only `Retry` errors are tried again: `CITYHUB_RETRIES` times, `CITYHUB_RETRY_DELAY_S` seconds apart."""
    use_connections()
    return {
        "owner": owner,
        "retries": int(os.environ.get("CITYHUB_RETRIES", "3")),
        "retry_delay": timedelta(seconds=float(os.environ.get("CITYHUB_RETRY_DELAY_S", "300"))),
        "execution_timeout": timedelta(minutes=30),
        "retry_policy": ExceptionRetryPolicy(
            rules=[
                RetryRule(exception=[Stop, Unauthorised, Usage], action=RetryAction.FAIL, reason="a person must act"),
                RetryRule(exception=Retry, action=RetryAction.RETRY, reason="transient"),
            ],
            default=RetryAction.FAIL,
        ),
        "on_failure_callback": task_failed,
    }


def arrival(spec: FeedSpec, specs: dict[str, FeedSpec]) -> Any:
    """By the clock, with the day before as partition key; a feed whose rows belong to a unit through a parent
    table follows the parent's feed instead, so that it never loads before it."""
    parent = parent_feed(spec, specs)
    if parent is not None:
        return PartitionedAssetTimetable(assets=Asset(f"cityhub_feed_{parent}"))
    # run_immediately: a feed that has just been switched on is asked for the newest day, not first tomorrow
    return CronPartitionTimetable(
        spec.arrives.schedule, timezone="Asia/Shanghai", run_offset=-1, run_immediately=True, key_format="%Y-%m-%d"
    )


def day_param() -> dict[str, Param]:
    """`day`: the service day of a run that somebody starts by hand; empty: yesterday."""
    return {"day": Param(None, type=["null", "string"], format="date", description="service day, YYYY-MM-DD")}


def deadline(name: str) -> DeadlineAlert | None:
    """An alert when a run has not ended `CITYHUB_DEADLINE_MINUTES` after it was queued; 0 switches it off,
    which the in-process night does: `dag.test()` of Airflow 3.3.2 fails on deadlines."""
    minutes = float(os.environ.get("CITYHUB_DEADLINE_MINUTES", "60"))
    if not minutes:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback("flow.alerts.deadline_missed", kwargs={"name": name}),
    )


def watched(last: Any) -> None:
    """Add the leaf that fails the run when any step before it failed."""

    @task(trigger_rule="one_failed", retries=0)  # type: ignore[untyped-decorator]  # Airflow's own annotation
    def verdict() -> None:
        raise Stop("CH-RUN-007")

    last >> verdict()
