"""After the publication, as `extracts.yaml` says: what changed goes to upper levels, then old extracts lose their data.

Both are steps of their own with their own tries: nothing here fails or delays the publication, and one upper level
that is away keeps no other waiting.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import date
from typing import Any

from cityhub import log
from cityhub.errors import HubError, Retry
from cityhub.settings import Settings
from extracts import config
from extracts.push import run
from extracts.push.standing import note, standing
from extracts.push.template import read
from flow import observed
from flow.observe import nights

logger = log.get("cityhub.flow")


def push(settings: Settings, day: date) -> dict[str, Any]:
    """Push to every upper level of the file, whatever becomes of the others; target → what was sent and what was not.

    At the end raises the error of one that could not be reached, a `Retry` first: the next try asks all again, and who
    has everything is sent nothing.
    """
    problems: list[HubError] = []
    try:
        with observed.stage(settings, "push", day) as watched:
            targets: dict[str, Any] = {}
            watched.told = {"targets": targets}
            for target in config.load().push:
                targets[target], problem = _to(settings, target)
                problems += [problem] if problem else []
            if problems:
                raise next((item for item in problems if isinstance(item, Retry)), problems[0])
    finally:
        _told(settings, day)
    return watched.told


def _to(settings: Settings, target: str) -> tuple[dict[str, Any], HubError | None]:
    sent = {"records": 0, "batches": 0, "refused": 0}
    problem: HubError | None = None
    try:
        template = read(target)
    except HubError as error:
        note(settings, target, error)
        problem = error
    else:
        try:
            done = run.push(settings, template)
        except HubError as error:
            problem = error
        else:
            sent = {"records": done.records, "batches": done.batches, "refused": done.refused}
            problem = next(iter(done.problems.values()), None)
    now = standing(settings, target)
    counts = {"waiting": now.waiting, "unmapped": now.unmapped, "dead": now.dead}
    log.event(logger, "pushed", target=target, **sent, **counts, code=problem.code if problem else None)
    told = {**sent, **counts, "error": problem.code if problem else None, "whose_move": now.whose_move}
    return told, problem


def prune(settings: Settings, day: date) -> dict[str, Any]:
    """Let data of old extracts go, where the file has a number to keep."""
    from extracts.prune import prune as below

    try:
        with observed.stage(settings, "prune", day) as watched:
            keep = config.load().keep
            watched.told = {} if keep is None else asdict(below(settings, keep))
    finally:
        _told(settings, day)
    if watched.told.get("files"):
        log.event(logger, "pruned", **watched.told)
    return watched.told


def _told(settings: Settings, day: date) -> None:
    """Under a scheduler the night has ended with its publication; what came after stands in its summary too."""
    if "CITYHUB_NIGHT" not in os.environ:
        nights.after(settings, day)
