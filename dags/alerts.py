"""Every ten minutes: what is wrong now goes to the channels of `alerts.yaml`, and the metrics are read anew.

Without channels there is no DAG.
"""

import os

from airflow.sdk import DAG, task

from cityhub.settings import load as load_settings
from flow.airflow_policy import task_defaults
from flow.notify import config
from flow.notify.night import look_and_send
from flow.observe import metrics

settings = load_settings()

if config.load().channels:
    with DAG(
        dag_id="alerts",
        schedule=os.environ.get("CITYHUB_ALERTS_SCHEDULE", "*/10 * * * *"),
        catchup=False,
        max_active_runs=1,
        tags=["hub"],
        # the next ten minutes are the next try
        default_args={**task_defaults(owner="cityhub"), "retries": 0, "on_failure_callback": None},
    ) as dag:

        @task
        def tell():
            done = look_and_send(settings)
            metrics.measure(settings)
            return {"sent": done.sent, "waiting": done.waiting} if done else {}

        tell()
