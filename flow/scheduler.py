"""A real Airflow on one machine: its database, our pool, then `airflow standalone` until we are told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from cityhub.settings import REPOSITORY, Settings
from flow.airflow_env import environment


def run_standalone(settings: Settings, *, port: int, paused: bool) -> int:
    """Start scheduler, DAG processor, triggerer and UI; blocks until they end; their exit code.

    `airflow standalone` ends its children on SIGINT only, so SIGTERM is passed on as SIGINT.
    """
    env = os.environ | environment(settings)
    env |= {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": str(paused),
        "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ.get('PATH', '')}",  # noqa: PTH120
    }
    # a task that names a pool which is not there waits for ever, without an error
    subprocess.run([sys.executable, "-m", "flow.airflow_metadata"], cwd=REPOSITORY, env=env, check=True)
    process = subprocess.Popen([sys.executable, "-m", "airflow", "standalone"], cwd=REPOSITORY, env=env)

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    return process.wait()
