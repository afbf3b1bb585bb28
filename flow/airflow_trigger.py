"""Runs of a DAG for given service days: `python -m flow.airflow_trigger DAG DAY…`, for DAGs that have no clock."""

from __future__ import annotations

import sys

from airflow.api.common.trigger_dag import trigger_dag
from airflow.utils.types import DagRunTriggeredByType


def trigger(dag_id: str, days: list[str]) -> list[str]:
    """Queue one run a day, the day as partition key; their ids. Airflow's CLI has no option for the key."""
    runs = [
        trigger_dag(dag_id, triggered_by=DagRunTriggeredByType.CLI, partition_key=day, note="cityhub backfill")
        for day in days
    ]
    return [str(run.run_id) for run in runs if run is not None]


if __name__ == "__main__":
    sys.stdout.write("\n".join(trigger(sys.argv[1], sys.argv[2:])) + "\n")
