"""Alerts that Airflow calls: a line in the log, one in `<home>/alerts.ndjson`, a message to the channels there are."""

from __future__ import annotations

import json
from typing import Any

from cityhub import log
from cityhub.clock import now
from cityhub.settings import Settings
from cityhub.settings import load as load_settings
from flow.observe.nights import UPWARD
from flow.observe.quietly import quietly

logger = log.get("cityhub.alerts")


def deadline_missed(name: str, context: dict[str, Any] | None = None, **_: Any) -> None:
    """A run is over its deadline."""
    run = ((context or {}).get("dag_run") or {}) if isinstance(context, dict) else {}
    record = {"at": now().isoformat(), "alert": "deadline_missed", "name": name, "run": str(run)[:200]}
    log.event(logger, "deadline_missed", level=40, dag=name)
    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "alerts.ndjson").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(record, ensure_ascii=False) + "\n")
    _tell(settings, f"deadline:{name}:{now():%Y-%m-%d}", "deadline_missed", f"任务 {name} 超过时限仍未结束", None)


def task_failed(context: Any) -> None:
    """A task has failed for good: tell what the ledger says about it now. A night in a process tells at its end."""
    import os

    if os.environ.get("CITYHUB_NIGHT"):
        return
    task = context.get("task_instance") or context.get("ti")
    dag_id = str(getattr(task, "dag_id", "?"))
    log.event(logger, "task_failed", level=40, dag=dag_id, task=getattr(task, "task_id", "?"))
    settings = load_settings()
    if dag_id.startswith("feed.") or dag_id in {"pushed", UPWARD}:
        with quietly("alerts"):
            from flow.notify import conditions
            from flow.notify.night import look_and_send

            # what goes to upper levels comes after the publication: that is there whatever becomes of it
            look_and_send(settings, (conditions.PUSH,) if dag_id == UPWARD else (conditions.FEEDS, conditions.FINDINGS))
        return
    code = getattr(context.get("exception"), "code", None)
    _tell(settings, f"task:{dag_id}:{now():%Y-%m-%d}", "stage_failed", f"任务 {dag_id} 失败，结果不会发布", code)


def _tell(settings: Settings, key: str, kind: str, title: str, code: str | None) -> None:
    with quietly("alerts"):
        from flow.notify.alert import Alert
        from flow.notify.conditions import HUB
        from flow.notify.night import tell

        todo = "查看 Airflow 中的红色任务和 cityhub status"
        tell(settings, Alert(key, kind, "critical", title, now().isoformat(), HUB, todo, code=code, passing=True))
