"""The hub's heartbeat: when a night last ended and was published, in a file and, where asked for, to somebody else.

`<home>/heartbeat.json` is what `cityhub deadman` looks at. A night that was published also calls the address in the
secret `heartbeat_url` (`heartbeat` in `alerts.yaml` names another one), as dead-man services want it.
"""

from __future__ import annotations

from typing import Any

import requests

from cityhub import clock, log
from cityhub.errors import Usage
from cityhub.files import read_json, write_json
from cityhub.secrets import lookup, remember
from cityhub.settings import Settings

logger = log.get("cityhub.observe")
SECRET = "heartbeat_url"


def beat(settings: Settings, night: dict[str, Any]) -> None:
    """Note the end of a night; call the address when it was published."""
    before = read_json(settings.home / "heartbeat.json") or {}
    now = clock.now().isoformat()
    write_json(
        settings.home / "heartbeat.json",
        {
            "service_day": night.get("service_day"),
            "finished_at": now,
            "seconds": night.get("seconds"),
            "failed": len(night.get("failed") or ()),
            "published_at": now if night.get("published") else before.get("published_at"),
            "publication": night.get("publication") if night.get("published") else before.get("publication"),
        },
        sync=True,
    )
    if night.get("published"):
        ping(_name())


def _name() -> str:
    from flow.notify import config

    try:
        return config.load().heartbeat
    except Usage:  # who is told nothing because of it is told that elsewhere
        return SECRET


def ping(name: str = SECRET) -> bool:
    """Call the dead-man service; whether it answered well. Nothing where no address is set; a failure is logged only,
    because the service itself raises the alarm when calls stay away."""
    url = lookup(name)
    if url is None:
        return False
    remember(url)
    try:
        answer = requests.get(url, timeout=(5, 10), headers={"User-Agent": "cityhub"})
        answer.raise_for_status()
    except (requests.RequestException, OSError) as error:
        # its text would hold the path of the address, which is the token
        log.event(logger, "heartbeat_not_taken", level=30, error=type(error).__name__)
        return False
    return True
