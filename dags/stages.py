"""What follows the feeds, once per service day: quality, indicators, scoring, publication.

Each stage waits for the assets of the one before with the same partition key: the first for all feeds, or for one
that delivered a day again. So a backfill of a feed restates the stages of exactly its days.
"""

from functools import reduce
from operator import and_

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

from cityhub.settings import load as load_settings
from flow import steps
from flow.airflow_env import POOL, RESTATED, service_day
from flow.airflow_policy import day_param, deadline, task_defaults

settings = load_settings()

STAGES = {
    "quality": steps.check,
    "indicators": steps.compute,
    "scoring": steps.score,
    "publication": steps.publish,
}


def stage_dag(name: str, waits_for) -> DAG:
    """The DAG of one stage."""
    with DAG(
        dag_id=name,
        schedule=PartitionedAssetTimetable(assets=waits_for),
        catchup=False,
        max_active_runs=1,
        tags=["stage"],
        params=day_param(),
        default_args=task_defaults(owner="cityhub"),
        deadline=deadline(name),
    ) as dag:

        @task(task_id=name, pool=POOL, outlets=[Asset(f"cityhub_{name}")])
        def run(**context):
            return STAGES[name](settings, service_day(context))

        run()
    return dag


waits = reduce(and_, [Asset(f"cityhub_feed_{feed}") for feed in steps.active(settings)]) | Asset(RESTATED)
for stage in STAGES:
    globals()[stage] = stage_dag(stage, waits)
    waits = Asset(f"cityhub_{stage}")
