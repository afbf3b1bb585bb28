"""Run summaries on disk: `<home>/runs/<feed>/<service day>/<run id>.json`, one a run, successful or failed.

A run is one attempt at a feed's day: its landing and its load, perhaps in two processes. `last.json` beside the days is
the newest finished run of the feed, with when one last succeeded. Old ones go: the newest `CITYHUB_RUNS_KEEP` (20)
of a day and `CITYHUB_RUNS_DAYS` (120) days stay.
"""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import date
from pathlib import Path
from typing import Any

from cityhub import clock
from cityhub.files import read_json, write_json
from cityhub.settings import Settings

SCHEMA_VERSION = 1
LAST = "last.json"
NIGHT, STAGES = "_night", "_stage"
Summary = dict[str, Any]
_SPACE = uuid.UUID("6c1f0c7e-5d0f-5b6e-9a42-2f6d1f6f7a11")


def root(settings: Settings) -> Path:
    """The folder of all run summaries."""
    return settings.home / "runs"


def identity(*parts: object) -> str:
    """A UUID that is the same whenever the same run is meant."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(str(part) for part in parts)))


def path_of(settings: Settings, run: Summary) -> Path:
    """Where a run's summary stands."""
    return root(settings) / str(run["feed"]) / str(run["service_day"]) / f"{run['run_id']}.json"


def begin(settings: Settings, feed: str, day: date, **more: Any) -> Summary:
    """A new run of the feed's day, written down as running; `attempt` counts the runs of the day."""
    known = ids(settings, feed, day)
    attempt = int(known[-1].split("-")[0]) + 1 if known else 1
    at = clock.now()
    run_id = f"{attempt:04d}-{at:%Y%m%dT%H%M%S}"
    run: Summary = {
        "schema_version": SCHEMA_VERSION, "run_id": run_id, "attempt": attempt,
        "id": identity(feed, day, run_id), "feed": feed, "service_day": day.isoformat(),
        "night": os.environ.get("CITYHUB_NIGHT"), "state": "running",
        "started_at": at.isoformat(), "finished_at": None, "seconds": None, "stages": {}, **more,
    }  # fmt: skip
    write_json(path_of(settings, run), run)
    return run


def write(settings: Settings, run: Summary) -> None:
    """Replace the summary of a run that goes on."""
    write_json(path_of(settings, run), run)


def finish(settings: Settings, run: Summary, *, success: bool) -> None:
    """Write the end of a run, make it the feed's last, and let old ones go."""
    write(settings, run)
    folder = root(settings) / run["feed"]
    before = last(settings, run["feed"]) or {}
    good = {"run_id": run["run_id"], "service_day": run["service_day"], "at": run["finished_at"]}
    write_json(folder / LAST, {"run": run, "last_success": good if success else before.get("last_success")})
    prune(folder, run["service_day"])


def amend(settings: Settings, run: Summary) -> None:
    """Replace the summary of a run that has ended, also where it is the feed's last."""
    write(settings, run)
    before = last(settings, run["feed"])
    if before is not None and before["run"]["id"] == run["id"]:
        write_json(root(settings) / run["feed"] / LAST, before | {"run": run})


def last(settings: Settings, feed: str) -> Summary | None:
    """`{"run": newest finished run, "last_success": {run_id, service_day, at} or None}` of a feed."""
    return read_json(root(settings) / feed / LAST)


def ids(settings: Settings, feed: str, day: date) -> list[str]:
    """Run ids of a feed's day, oldest first."""
    folder = root(settings) / feed / day.isoformat()
    return sorted(item.stem for item in folder.glob("[0-9]*.json")) if folder.is_dir() else []


def of_day(settings: Settings, feed: str, day: date) -> list[Summary]:
    """All summaries of a feed's day, oldest first; one that cannot be read is left out."""
    folder = root(settings) / feed / day.isoformat()
    return [run for name in ids(settings, feed, day) if (run := read_json(folder / f"{name}.json"))]


def newest(settings: Settings, feed: str, day: date) -> Summary | None:
    """The newest run of a feed's day."""
    found = of_day(settings, feed, day)
    return found[-1] if found else None


def stage(settings: Settings, day: date, name: str) -> Summary | None:
    """The record of a stage that follows the feeds, of the newest run of the day."""
    return read_json(root(settings) / STAGES / day.isoformat() / f"{name}.json")


def feeds(settings: Settings) -> list[str]:
    """Feeds that have a run, by name."""
    folder = root(settings)
    return (
        sorted(item.name for item in folder.iterdir() if not item.name.startswith(("_", ".")))
        if folder.is_dir()
        else []
    )


def days(settings: Settings, feed: str) -> list[date]:
    """Service days of which a feed has a run, newest first."""
    folder = root(settings) / feed
    names = [item.name for item in folder.iterdir() if item.is_dir()] if folder.is_dir() else []
    return sorted((date.fromisoformat(name) for name in names if len(name) == 10), reverse=True)


def prune(folder: Path, day: str) -> None:
    """Keep the newest runs of the day and the newest days of the feed; the day of this run always stays."""
    keep = max(1, int(os.environ.get("CITYHUB_RUNS_KEEP") or 20))
    for old in sorted((folder / day).glob("[0-9]*.json"))[:-keep]:
        old.unlink(missing_ok=True)
    keep_days = max(1, int(os.environ.get("CITYHUB_RUNS_DAYS") or 120))
    for name in sorted(item.name for item in folder.iterdir() if item.is_dir())[:-keep_days]:
        if name != day:
            shutil.rmtree(folder / name, ignore_errors=True)
