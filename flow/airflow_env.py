"""How Airflow is configured for this repository, for the in-process night, tests and the scheduler alike."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import Any

from cityhub.clock import SHANGHAI
from cityhub.secrets import register_resolver
from cityhub.settings import REPOSITORY, Settings

POOL = "warehouse"
# The asset of a day that a feed delivered after its stages had run.
RESTATED = "cityhub_restated"


def environment(settings: Settings) -> dict[str, str]:
    """Variables that point Airflow at our DAGs with small, quiet defaults; what the user has set wins."""
    home = settings.home / "airflow"
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        # Reading the DAG files anew each half minute, as Airflow does, takes most of a processor with sixty feeds.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "CITYHUB_HOME": str(settings.home),
        "CITYHUB_FEEDS": str(settings.feeds),
        "CITYHUB_CATALOG": settings.catalog,
        "CITYHUB_DATA": settings.data,
    }
    if os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:").startswith("sqlite:"):
        ours["AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"] = "flow.airflow_sqlite.CONNECT_ARGS"
        ours["AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC"] = "flow.airflow_sqlite.CONNECT_ARGS"
    return {name: os.environ.get(name, value) for name, value in ours.items()} | {
        "CITYHUB_HOME": str(settings.home),
        "CITYHUB_FEEDS": str(settings.feeds),
    }


def service_day(context: Any) -> date:
    """The service day of a run, in this order: partition key, `day` of the run's configuration, the day before
    the data interval's end or the moment that the run is for (both local)."""
    run = context["dag_run"]
    if run.partition_key:
        return date.fromisoformat(run.partition_key[:10])
    asked = (run.conf or {}).get("day") or (context.get("params") or {}).get("day")
    if asked:
        return date.fromisoformat(str(asked))
    moment: datetime = run.data_interval_end or run.run_after
    local = moment.astimezone(SHANGHAI)
    return date.fromordinal(local.date().toordinal() - 1)


def use_connections() -> None:
    """Let names of secrets and addresses also be Airflow connections (their password, else URI) or variables."""
    register_resolver(_from_airflow)


def _from_airflow(name: str) -> str | None:
    from airflow.sdk import BaseHook, Variable
    from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

    try:
        connection = BaseHook.get_connection(name)
    except (AirflowException, AirflowRuntimeError):
        try:
            return str(Variable.get(name))
        except (KeyError, AirflowException, AirflowRuntimeError):
            return None
    return str(connection.password or connection.get_uri())
