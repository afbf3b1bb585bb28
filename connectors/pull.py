"""Pulling one feed for one service day: the transport that its spec names, one delivery in landing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import import_module

from cityhub import log
from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from connectors.retry import DEFAULT, Policy
from warehouse import lake
from warehouse.landing import Manifest, discard_partial
from warehouse.personal import edge

Connector = Callable[..., None]
logger = log.get("cityhub.connectors")

# By module, imported when used: requests, SQLAlchemy and paramiko cost a start-up second together.
CONNECTORS = {
    "rest": "connectors.rest",
    "database": "connectors.database",
    "files": "connectors.files",
    "workbook": "connectors.workbook",
}


def pull(
    settings: Settings, spec: FeedSpec, day: date, *, cursor: str | None = None, policy: Policy = DEFAULT
) -> Manifest:
    """Land what the source has for the day and return its manifest; a delivery equal to the last one is not
    landed twice. `cursor` is where the last loaded delivery ended.

    One pull of a feed at a time (a lock of the installation); rests of killed pulls are removed. Raises the
    connector's `Retry`, `Stop` or `Unauthorised`, and `Stop` CH-PULL-021 for a feed that is pushed.
    """
    module = CONNECTORS.get(spec.source.kind)
    if module is None:
        raise Stop("CH-PULL-021", feed=spec.feed, kind=spec.source.kind)
    connector: Connector = import_module(module).pull
    with lake.lock(settings, f"feed-{spec.feed}"):
        rests = discard_partial(settings.landing, spec.feed, day)
        if rests:
            log.event(logger, "discarded_partial", feed=spec.feed, interval=day, folders=rests)
        guard, refusal = edge.of(spec), None
        try:
            with edge.delivery(settings, spec, day) as delivery:
                connector(spec, day, delivery, cursor, policy=policy)
        except HubError as error:
            if guard is None:
                raise
            refusal = guard.quieted(error)
    if refusal is not None:
        raise refusal  # outside the handler: the first error, with what a driver quoted, is not its cause
    if delivery.manifest is None:
        raise AssertionError("a delivery that was left normally has a manifest")
    return delivery.manifest
