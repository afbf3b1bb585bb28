"""One DAG per feed, made from `feeds/*.yaml`: land, load, close. The key of a run is the service day.

`close` always announces the day, so one broken feed never keeps the others' indicators waiting, and says that a
day is restated when its stages have run before; `verdict` makes the run red when a step failed.
"""

from airflow.sdk import DAG, Asset, AssetAlias, get_parsing_context, task

from cityhub.settings import load as load_settings
from cityhub.spec.feed import FeedSpec
from flow import steps
from flow.airflow_env import POOL, RESTATED, service_day
from flow.airflow_policy import arrival, day_param, deadline, task_defaults, watched

settings = load_settings()
specs = steps.active(settings)


def feed_dag(spec: FeedSpec) -> DAG:
    """The DAG of one feed; its asset carries the service day as partition key."""
    with DAG(
        dag_id=f"feed.{spec.feed}",
        dag_display_name=f"{spec.title.zh} {spec.feed}",
        schedule=arrival(spec, specs),
        catchup=False,
        max_active_runs=1,
        tags=["feed", spec.platform],
        params=day_param(),
        default_args=task_defaults(owner=spec.owner.department),
        deadline=deadline(spec.feed),
    ) as dag:

        @task
        def land(**context):
            steps.land(settings, spec.feed, service_day(context))

        @task(pool=POOL)
        def load(**context):
            steps.load_landed(settings, spec.feed, service_day(context))

        @task(trigger_rule="all_done", outlets=[Asset(f"cityhub_feed_{spec.feed}"), AssetAlias(RESTATED)])
        def close(*, outlet_events, **context):
            day = service_day(context)
            if steps.was_checked(settings, day):
                outlet_events[AssetAlias(RESTATED)].add(Asset(RESTATED))
            return steps.close(settings, spec.feed, day)

        loaded = load()
        land() >> loaded >> close()
        watched(loaded)
    return dag


asked = get_parsing_context().dag_id
for _spec in specs.values():
    if asked in (None, f"feed.{_spec.feed}"):
        globals()[f"feed_{_spec.feed}"] = feed_dag(_spec)
