"""Every minute: what the gateways have spooled is collected and loaded, all pushed feeds in one run.

From arrival to queryable it takes less than two minutes; `CITYHUB_PUSHED_SCHEDULE` (cron) makes it rarer.
"""

import os

from airflow.sdk import DAG, task

from cityhub.settings import load as load_settings
from cityhub.spec.source import PUSHED
from flow import pushed, steps
from flow.airflow_env import POOL
from flow.airflow_policy import task_defaults

settings = load_settings()

if any(spec.source.kind in PUSHED for spec in steps.active(settings).values()):
    with DAG(
        dag_id="pushed",
        schedule=os.environ.get("CITYHUB_PUSHED_SCHEDULE", "* * * * *"),
        catchup=False,
        max_active_runs=1,
        tags=["feed"],
        # The next minute is the next try; before a night's loads, because it is short.
        default_args={**task_defaults(owner="cityhub"), "retries": 0, "priority_weight": 10},
    ) as dag:

        @task(pool=POOL)
        def take():
            return pushed.take(settings)

        take()
