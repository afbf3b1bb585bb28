"""Runs DAGs in one process, without a scheduler: `python -m flow.airflow_worker DAY FD`.

DAG ids come in as lines on standard input; for each that has ended one JSON line `{dag, state, seconds}` goes
to the file descriptor FD, because Airflow writes its own logs to standard output. `dag.test()` executes each
task as a worker would but starts no downstream DAG, so whoever sends the ids keeps their order.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cityhub.settings import load as load_settings
from flow.airflow_env import environment
from flow.airflow_metadata import prepare_metadata


def main() -> int:
    """Import once, then run what is asked until standard input ends."""
    day, answers = sys.argv[1], os.fdopen(int(sys.argv[2]), "w", encoding="utf-8", buffering=1)
    # dag.test() of Airflow 3.3.2 fails on deadline alerts
    os.environ.update(environment(load_settings()) | {"CITYHUB_DEADLINE_MINUTES": "0"})
    prepare_metadata(Path(os.environ["AIRFLOW_HOME"]))
    import airflow.dag_processing.dagbag  # noqa: F401  # the seconds that this costs pass while the city starts

    answers.write(json.dumps({"dag": None, "state": "ready", "seconds": 0}) + "\n")
    for line in sys.stdin:
        dag_id = line.strip()
        started = time.monotonic()
        state = run_dag(dag_id, day)
        seconds = round(time.monotonic() - started, 2)
        answers.write(json.dumps({"dag": dag_id, "state": state, "seconds": seconds}) + "\n")
    return 0


def run_dag(dag_id: str, day: str) -> str:
    """One DAG run for the service day; its final state as text."""
    from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager

    # dag.test() parses the whole folder anew at each call; the parsing context makes that one DAG instead of all
    with _airflow_parsing_context_manager(dag_id=dag_id):
        dag = _parsed(dag_id)
        run = dag.test(logical_date=None, run_conf={"day": day})
    return str(getattr(run.state, "value", run.state))


def _parsed(dag_id: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    if dag_id not in bag.dags:
        raise SystemExit(f"DAG {dag_id} cannot be imported: {bag.import_errors}")
    return bag.dags[dag_id]


if __name__ == "__main__":
    sys.exit(main())
