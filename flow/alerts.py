"""Alerts that Airflow calls; they write one line that operators watch and one in `<home>/alerts.ndjson`."""

from __future__ import annotations

import json
from typing import Any

from cityhub import log
from cityhub.clock import now
from cityhub.settings import load as load_settings

logger = log.get("cityhub.alerts")


def deadline_missed(name: str, context: dict[str, Any] | None = None, **_: Any) -> None:
    """A run is over its deadline: log it and append it to `alerts.ndjson` below the hub's home."""
    run = ((context or {}).get("dag_run") or {}) if isinstance(context, dict) else {}
    record = {"at": now().isoformat(), "alert": "deadline_missed", "name": name, "run": str(run)[:200]}
    log.event(logger, "deadline_missed", level=40, dag=name)
    home = load_settings().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "alerts.ndjson").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(record, ensure_ascii=False) + "\n")
