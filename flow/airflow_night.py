"""Runs the real DAGs of a night in this process, without a scheduler: `python -m flow.airflow_night DAY`.

`dag.test()` executes each task as a worker would but starts no downstream DAG, so they are called in order.
Progress goes to a file of JSON lines, because Airflow writes its own logs to standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cityhub.settings import load as load_settings
from flow.airflow_env import environment
from flow.airflow_metadata import prepare_metadata
from flow.order import in_order
from flow.steps import active

STAGES = ("quality", "indicators", "scoring", "publication")


def main(argv: list[str] | None = None) -> int:
    """Run feeds, then stages; exit code 0 when every run succeeded, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m flow.airflow_night")
    parser.add_argument("day")
    parser.add_argument("--progress", type=Path, required=True)
    parser.add_argument("--feed", action="append", help="only these feeds; default: all that are active")
    parser.add_argument("--no-stages", action="store_true")
    options = parser.parse_args(argv)
    settings = load_settings()
    os.environ.update(environment(settings) | {"CITYHUB_DEADLINE_MINUTES": "0"})
    prepare_metadata(Path(os.environ["AIRFLOW_HOME"]))

    specs = active(settings)
    dag_ids = [f"feed.{name}" for name in in_order(specs) if not options.feed or name in options.feed]
    if not options.no_stages:
        dag_ids += STAGES
    failed = 0
    with options.progress.open("a", encoding="utf-8", buffering=1) as progress:
        for dag_id in dag_ids:
            started = time.monotonic()
            state = run_dag(dag_id, options.day)
            failed += state != "success"
            seconds = round(time.monotonic() - started, 2)
            progress.write(json.dumps({"dag": dag_id, "state": state, "seconds": seconds}) + "\n")
    return 1 if failed else 0


def run_dag(dag_id: str, day: str) -> str:
    """One DAG run for the service day; its final state as text."""
    from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager

    # dag.test() parses the whole folder anew at each call; the parsing context makes that one DAG instead of all
    with _airflow_parsing_context_manager(dag_id=dag_id):
        dag = _parsed(dag_id)
        run = dag.test(logical_date=None, run_conf={"day": day})
    return str(run.state.value if hasattr(run.state, "value") else run.state)


def _parsed(dag_id: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    if dag_id not in bag.dags:
        raise SystemExit(f"DAG {dag_id} cannot be imported: {bag.import_errors}")
    return bag.dags[dag_id]


if __name__ == "__main__":
    sys.exit(main())
