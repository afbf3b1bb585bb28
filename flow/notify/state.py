"""Which alerts are open, and what is to be told now: once when it begins, again after hours, once when it is over."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from cityhub import clock
from cityhub.files import read_json, write_json
from cityhub.settings import Settings
from flow.notify import outbox
from flow.notify.alert import Alert, Event
from flow.notify.config import ORDER, Config
from flow.notify.outbox import Target
from warehouse import lake

FORGET = timedelta(days=2)  # something that happened is known for so long, so that it is told once


def update(settings: Settings, config: Config, alerts: list[Alert], families: set[str]) -> int:
    """Write into the outbox what is to be told about these alerts, and note it; the number of messages written.

    Open alerts of `families` that are not among them are over. The outbox is written before the note: a kill between
    makes the same messages with the same ids again.
    """
    if not config.channels:
        return 0
    file = outbox.root(settings) / "state.json"
    with lake.lock(settings, "alerts", timeout_s=30):
        known = (read_json(file) or {}).get("open", {})
        after, written = dict(known), 0
        for alert in alerts:
            event, entry = _next(config, known.get(alert.key), alert)
            if event is not None:
                entry["to"], number = _tell(settings, config, event, entry)
                written += number
            after[alert.key] = entry
        present = {alert.key for alert in alerts}
        for key, entry in known.items():
            if key not in present and key.split(":")[0] in families and not entry["alert"]["passing"]:
                written += _tell(settings, config, "over", entry)[1]
                del after[key]
            elif entry["alert"]["passing"] and clock.now() - datetime.fromisoformat(entry["first_at"]) > FORGET:
                after.pop(key, None)
        if after != known:
            write_json(file, {"open": after}, sync=True)
    return written


def current(settings: Settings) -> list[dict[str, Any]]:
    """Alerts that are open, with when they were first and last told and to whom."""
    known = (read_json(outbox.root(settings) / "state.json") or {}).get("open", {})
    return [{"key": key, **entry} for key, entry in sorted(known.items())]


def _next(config: Config, before: dict[str, Any] | None, alert: Alert) -> tuple[Event | None, dict[str, Any]]:
    now = clock.now()
    if before is None:
        return "new", {
            "alert": asdict(alert),
            "first_at": now.isoformat(),
            "told_at": now.isoformat(),
            "times": 1,
            "to": [],
        }
    worse = ORDER.index(alert.severity) > ORDER.index(before["alert"]["severity"])
    again = now - datetime.fromisoformat(before["told_at"]) >= timedelta(hours=config.repeat_hours)
    entry = before | {"alert": asdict(alert)}
    if alert.passing or not (worse or again):
        return None, entry
    return "worse" if worse else "repeat", entry | {"told_at": now.isoformat(), "times": before["times"] + 1}


def _tell(settings: Settings, config: Config, event: Event, entry: dict[str, Any]) -> tuple[list[Any], int]:
    """Put one event into the outbox of all it goes to; what is over goes to those who were told of it."""
    alert = entry["alert"]
    told = [Target(channel, tuple(to)) for channel, to in entry["to"]]
    targets = told if event == "over" else targets_of(config, alert["kind"], alert["severity"], alert["department"])
    name = "\x1f".join([alert["key"], entry["first_at"], event, str(entry["times"])])
    written = sum(
        outbox.put(settings, target, name, event, alert) for target in targets if target.channel in config.channels
    )
    every = dict.fromkeys([*told, *targets])
    return [[target.channel, list(target.to)] for target in every], written


def targets_of(config: Config, kind: str, severity: str, department: str | None) -> list[Target]:
    """Channels and addresses that the rules give, each once."""
    found: dict[Target, None] = {}
    for rule in config.rules:
        if rule.takes(kind, severity, department):
            for name in rule.to:
                for target in owner_targets(config, department) if name == "owner" else [Target(name)]:
                    found[target] = None
    return list(found)


def owner_targets(config: Config, department: str | None) -> list[Target]:
    """How a department is reached; `*` stands for any that the file does not name."""
    owner = config.owners.get(department or "") or config.owners.get("*")
    if owner is None:
        return []
    mail = [Target(config.mail_through, tuple(owner.mail))] if config.mail_through and owner.mail else []
    return [*(Target(name) for name in owner.channels), *mail]
