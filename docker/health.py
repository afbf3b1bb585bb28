"""Health checks inside the containers, with nothing but the standard library.

`health.py airflow COMPONENT` asks the API server for a heartbeat: scheduler, triggerer or dag_processor, or
for its metadatabase; `health.py http URL` wants any answer below 500. Exit code 0 is healthy.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request


def airflow(component: str) -> bool:
    """Whether the API server has seen a fresh heartbeat of the component."""
    base = os.environ.get("AIRFLOW_API_URL", "http://api-server:8080")
    with urllib.request.urlopen(f"{base}/api/v2/monitor/health", timeout=8) as answer:
        return bool(json.load(answer).get(component, {}).get("status") == "healthy")


def http(url: str) -> bool:
    """Whether the server answers; a page that asks for a login is an answer."""
    try:
        with urllib.request.urlopen(url, timeout=8):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500


def main(arguments: list[str]) -> int:
    """0 healthy, 1 not, 2 unknown check."""
    checks = {"airflow": airflow, "http": http}
    if len(arguments) != 2 or arguments[0] not in checks:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        return 0 if checks[arguments[0]](arguments[1]) else 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
