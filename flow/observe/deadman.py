"""Whether the hub still lives: when a night was last finished and published, from its files or from outside by HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from cityhub import clock
from cityhub.clock import SHANGHAI
from cityhub.errors import Retry, Stop
from cityhub.files import read_json
from cityhub.secrets import redact
from cityhub.settings import Settings

METRIC = "cityhub_deadman_timestamp_seconds"


def last_night(settings: Settings) -> datetime | None:
    """When a night of this installation was last finished and published."""
    at = (read_json(settings.home / "heartbeat.json") or {}).get("published_at")
    return datetime.fromisoformat(at) if at else None


def last_night_of(url: str) -> datetime | None:
    """The same of a hub elsewhere, from its `/metrics`; None where it never published. Raises `Retry` CH-OBS-004."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        answer = requests.get(url, timeout=(5, 15))
        answer.raise_for_status()
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    except (requests.RequestException, OSError, ValueError) as error:
        raise Retry("CH-OBS-004", url=redact(url), detail=type(error).__name__) from None
    if METRIC not in families:
        raise Retry("CH-OBS-004", url=redact(url), detail=f"no {METRIC} in it")
    values = [sample.value for sample in families[METRIC].samples]
    return datetime.fromtimestamp(values[0], UTC).astimezone(SHANGHAI) if values else None


def check(last: datetime | None, hours: float) -> None:
    """Raise `Stop` CH-OBS-002 when the last night is too long ago, or there was none."""
    if last is None or clock.now() - last > timedelta(hours=hours):
        raise Stop("CH-OBS-002", hours=f"{hours:g}", last=last.strftime("%Y-%m-%d %H:%M") if last else "never")
