"""OpenLineage events of the runs, with the project's own client: START, then COMPLETE or FAIL, per step.

`CITYHUB_LINEAGE=file:PATH` appends one JSON line an event, `http(s)://…` posts it, with the secret `lineage_api_key`
as bearer token where there is one. Unset: nothing, and the client is not even imported. A receiver that fails is
logged once a process, counted in `<home>/metrics/lineage.json`, and left alone for `CITYHUB_LINEAGE_PAUSE_S` (60)
seconds, so that it delays a night by one time-out a minute at most.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from cityhub import clock, log
from cityhub.clock import day_bounds
from cityhub.errors import Usage
from cityhub.files import read_json, write_json
from cityhub.secrets import lookup, redact, remember
from cityhub.settings import Settings
from flow.observe.runs import identity
from warehouse import lake

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

logger = log.get("cityhub.lineage")
Kind = Literal["START", "COMPLETE", "FAIL"]
PRODUCER = "urn:cityhub"
TIMEOUT_S = 3.0


def namespace() -> str:
    """The namespace of our jobs and tables: `CITYHUB_LINEAGE_NAMESPACE`, else `cityhub`."""
    return os.environ.get("CITYHUB_LINEAGE_NAMESPACE") or "cityhub"


@dataclass(frozen=True)
class Job:
    """One step of one run. `run` identifies the attempt: the same run and step always give the same run id."""

    name: str
    run: str
    day: date
    department: str | None = None
    kind: str = "TASK"

    @property
    def run_id(self) -> str:
        """The UUID under which a lineage tool knows this run of the job."""
        return identity("lineage", self.run, self.name)


@dataclass
class Flow:
    """What went into a step and came out of it, as data sets of `lineage_datasets`."""

    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)


def target() -> str | None:
    """Where events go, None for nowhere. Raises `Usage` CH-OBS-001 for what is no address."""
    given = os.environ.get("CITYHUB_LINEAGE") or None
    if given is None:
        return None
    if given.startswith("file:") and len(given) > 5:
        return given
    if urlsplit(given).scheme in {"http", "https"} and urlsplit(given).hostname:
        return given
    raise Usage("CH-OBS-001", value=redact(given))


def night_of(day: date, name: str | None = None) -> Job:
    """The parent of all steps: the night of that name, the one under way, or under a scheduler the day's."""
    return Job("night", name or os.environ.get("CITYHUB_NIGHT") or f"scheduled {day}", day, kind="DAG")


def emit(
    settings: Settings, kind: Kind, job: Job, flow: Flow | None = None, *, error: dict[str, Any] | None = None,
    parent: Job | None = None,
) -> bool:  # fmt: skip
    """Send one event; whether it was taken. Never raises for a receiver that does not take it."""
    where = target()
    if where is None:
        return False
    if _paused(settings):
        _count(settings, "dropped")
        return False
    try:
        _client(where).emit(_event(kind, job, flow or Flow(), error, parent))
    except (OSError, RuntimeError, ValueError) as problem:  # what its transports raise; requests' errors are OSErrors
        first = _count(settings, "failed", str(problem))
        if first:
            detail = redact(str(problem).splitlines()[0][:200])
            log.event(logger, "lineage_not_sent", level=30, job=job.name, error=type(problem).__name__, detail=detail)
        return False
    return True


def _event(kind: Kind, job: Job, flow: Flow, error: dict[str, Any] | None, parent: Job | None) -> Any:
    from openlineage.client.event_v2 import Job as EventJob
    from openlineage.client.event_v2 import Run, RunEvent, RunState, set_producer
    from openlineage.client.facet_v2 import (
        error_message_run,
        job_type_job,
        nominal_time_run,
        ownership_job,
        parent_run,
    )

    set_producer(PRODUCER)
    start, end = day_bounds(job.day)
    run: dict[str, Any] = {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(
            nominalStartTime=start.isoformat(), nominalEndTime=end.isoformat()
        )
    }
    if parent is not None:
        run["parent"] = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent.run_id), job=parent_run.Job(namespace=namespace(), name=parent.name)
        )
    if error is not None:
        message = redact(f"{error.get('code') or 'error'}: {error.get('what')}")
        run["errorMessage"] = error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="python")
    facets: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CITYHUB", jobType=job.kind)
    }
    if job.department:
        owner = ownership_job.Owner(name=f"team:{job.department}", type="MAINTAINER")
        facets["ownership"] = ownership_job.OwnershipJobFacet(owners=[owner])
    return RunEvent(
        eventType=RunState[kind],
        eventTime=clock.now().isoformat(),
        run=Run(runId=job.run_id, facets=run),
        job=EventJob(namespace=namespace(), name=job.name, facets=facets),
        inputs=flow.inputs,
        outputs=flow.outputs,
    )


@cache
def _client(where: str) -> OpenLineageClient:
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    if where.startswith("file:"):
        path = Path(where.removeprefix("file://") if where.startswith("file://") else where.removeprefix("file:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(path), append=True)))
    cut = urlsplit(where)
    content: dict[str, Any] = {"url": f"{cut.scheme}://{cut.netloc}", "timeout": TIMEOUT_S, "retry": {
        "total": 0, "read": 0, "connect": 0}}  # fmt: skip
    if cut.path.strip("/"):
        content["endpoint"] = cut.path.lstrip("/")
    key = lookup("lineage_api_key")
    if key:
        remember(key)
        content["auth"] = {"type": "api_key", "apiKey": key}
    return OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict(content)))


def _counts(settings: Settings) -> Path:
    return settings.home / "metrics" / "lineage.json"


def counted(settings: Settings) -> dict[str, Any]:
    """`{failed, dropped, failed_at, error}`: events that a receiver did not take, or were not tried after one."""
    return read_json(_counts(settings)) or {"failed": 0, "dropped": 0, "failed_at": None, "error": None}


def _paused(settings: Settings) -> bool:
    at = counted(settings)["failed_at"]
    pause = timedelta(seconds=float(os.environ.get("CITYHUB_LINEAGE_PAUSE_S") or 60))
    return at is not None and clock.now() - datetime.fromisoformat(at) < pause


_told: set[str] = set()


def _count(settings: Settings, what: str, error: str | None = None) -> bool:
    """Count an event that was not taken; whether it is the first failure of this process."""
    try:
        with lake.lock(settings, "lineage", timeout_s=5):
            found = counted(settings)
            found[what] += 1
            if error is not None:
                found |= {"failed_at": clock.now().isoformat(), "error": redact(error)[:200]}
            write_json(_counts(settings), found)
    except OSError:
        return False
    first = what not in _told
    _told.add(what)
    return first
