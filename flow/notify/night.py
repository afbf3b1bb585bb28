"""Looking at everything and telling it: at the end of a night, by the `alerts` DAG, from the command line."""

from __future__ import annotations

from datetime import date
from typing import Any

from cityhub import log
from cityhub.errors import Usage
from cityhub.settings import Settings
from flow.notify import conditions, config, digest, state
from flow.notify.alert import Alert
from flow.notify.send import Delivery, send

logger = log.get("cityhub.alerts")


def look_and_send(settings: Settings, families: tuple[str, ...] = conditions.ALL) -> Delivery | None:
    """Look, write down what is to be told, deliver; None where there is no channel. Raises `Usage` CH-ALERT-001."""
    chosen = config.load()
    if not chosen.channels:
        return None
    found, seen = conditions.present(settings, chosen.limits, families)
    state.update(settings, chosen, found, seen)
    return send(settings, chosen)


def end_of_night(settings: Settings, day: date) -> dict[str, Any]:
    """What the end of a night tells: alerts and the departments' digests, delivered together: `{sent, alerts,
    waiting}`, empty where no channel is configured."""
    try:
        chosen = config.load()
    except Usage as error:
        log.event(logger, "alerts_not_configured", level=30, code=error.code, problem=error.part("what"))
        return {}
    if not chosen.channels:
        return {}
    # the night itself has just ended, published or not: the dead man is for who looks from outside
    families = tuple(name for name in conditions.ALL if name != conditions.DEADMAN)
    found, seen = conditions.present(settings, chosen.limits, families)
    state.update(settings, chosen, found, seen)
    digest.write(settings, chosen)
    done = send(settings, chosen)
    return {"sent": done.sent, "alerts": done.alerts, "waiting": done.waiting}


def tell(settings: Settings, alert: Alert) -> Delivery | None:
    """Tell one alert now."""
    chosen = config.load()
    if not chosen.channels:
        return None
    state.update(settings, chosen, [alert], set())
    return send(settings, chosen)
