"""After each publication: push to upper levels, then prune, as `extracts.yaml` says. It asks nothing, no DAG.

A DAG of its own, so that a push that fails leaves the publication as it is; `verdict` makes the run red.
"""

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

from cityhub.settings import load as load_settings
from extracts import config
from flow import upward
from flow.airflow_env import service_day
from flow.airflow_policy import day_param, task_defaults, watched

settings = load_settings()

if config.asks_the_night():
    with DAG(
        dag_id="upward",
        schedule=PartitionedAssetTimetable(assets=Asset("cityhub_publication")),
        catchup=False,
        max_active_runs=1,
        tags=["stage"],
        params=day_param(),
        default_args=task_defaults(owner="cityhub"),
    ) as dag:

        @task
        def push(**context):
            return upward.push(settings, service_day(context))

        @task(trigger_rule="all_done")
        def prune(**context):
            return upward.prune(settings, service_day(context))

        pushed = push()
        pruned = prune()
        pushed >> pruned
        watched([pushed, pruned])
