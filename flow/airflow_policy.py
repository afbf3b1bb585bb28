"""What every task of ours has in common: retries by error family, time limits, deadline alerts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    SyncCallback,
    task,
)

from cityhub.errors import Retry, Stop, Unauthorised, Usage
from flow.airflow_env import use_connections


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
    }


def day_param() -> dict[str, Param]:
    """`day`: the service day of a run that somebody starts by hand; empty: yesterday."""
    return {"day": Param(None, type=["null", "string"], format="date", description="service day, YYYY-MM-DD")}


def deadline(name: str) -> DeadlineAlert:
    """An alert when a run has not ended `CITYHUB_DEADLINE_MINUTES` after it was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=float(os.environ.get("CITYHUB_DEADLINE_MINUTES", "60"))),
        callback=SyncCallback("flow.alerts.deadline_missed", kwargs={"name": name}),
    )


def watched(last: Any) -> None:
    """Add the leaf that fails the run when any step before it failed."""

    @task(trigger_rule="one_failed", retries=0)
    def verdict() -> None:
        raise Stop("CH-RUN-007")

    last >> verdict()
