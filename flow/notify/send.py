"""Delivering the outbox: one message a channel for all that waits, at the channel's pace, again when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from cityhub import clock, log
from cityhub.errors import HubError, Retry, Stop
from cityhub.files import read_json, write_json
from cityhub.secrets import redact, secret
from cityhub.settings import Settings
from flow.notify import formats, mail, outbox
from flow.notify.config import Channel, Config, DingTalk, Feishu, Json, Mail, WeCom
from flow.notify.message import Message, compose
from warehouse import lake

logger = log.get("cityhub.alerts")
TOGETHER = 50  # alerts in one message at most
WAITS = (1.0, 4.0)  # seconds before the second and the third try of one run
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Delivery:
    """What one run delivered: messages sent, alerts in them, what waits, and why by channel."""

    sent: int
    alerts: int
    waiting: int
    problems: dict[str, str]


def send(settings: Settings, config: Config, *, now: bool = False, sleep: Sleep = time.sleep) -> Delivery:
    """Deliver what waits and is due; `now`: also what waits for its next try. Never raises for a channel that fails.

    One run at a time; another that comes meanwhile leaves it to the first.
    """
    sent = alerts = 0
    problems: dict[str, str] = {}
    try:
        with lake.lock(settings, "alerts-send", timeout_s=0.2):
            for name, channel in config.channels.items():
                for path in outbox.batches(settings, name, TOGETHER):
                    batch = read_json(path)
                    if batch is None or not (now or outbox.due(batch)):
                        continue
                    try:
                        _tried(settings, name, channel, batch, path, sleep)
                    except HubError as error:
                        problems[name] = f"{error.code}: {error.part('what')}"
                        log.event(logger, "alert_not_sent", level=30, channel=name, code=error.code, batch=batch["id"])
                        outbox.postponed(settings, name, path, batch, problems[name])
                        break  # the channel is not well: the rest waits for it
                    outbox.delivered(settings, name, path, batch)
                    sent += 1
                    alerts += len(batch["items"])
    except Retry as error:
        if error.code != "CH-LAKE-004":
            raise
    return Delivery(sent, alerts, sum(place != "dead" for place, _ in outbox.waiting(settings)), problems)


def _tried(
    settings: Settings, name: str, channel: Channel, batch: dict[str, Any], path: Path, sleep: Sleep
) -> None:  # fmt: skip
    message = compose(batch)

    def part_done(number: int) -> None:
        batch["done"] = number
        write_json(path, batch, sync=True)

    for wait in (*WAITS, None):
        try:
            deliver(settings, name, channel, message, batch["to"], done=batch.get("done", 0), part_done=part_done)
        except Retry as error:
            if wait is None or error.code == "CH-ALERT-004":
                raise
            sleep(wait)
        else:
            return


def deliver(
    settings: Settings, name: str, channel: Channel, message: Message, to: list[str], *,
    done: int = 0, part_done: Callable[[int], None] = lambda _: None,
) -> None:  # fmt: skip
    """One message by one channel; of one in several parts, those after `done`. Raises `Retry` CH-ALERT-002 for what may
    pass, CH-ALERT-004 when the minute is full, `Stop` CH-ALERT-003 for a refusal, CH-CONF-001 for a secret that nothing
    knows."""
    if isinstance(channel, Mail):
        _take_turn(settings, name, channel.per_minute)
        mail.send(channel, message, to)
        return
    url = secret(channel.url)
    if isinstance(channel, Json):
        _take_turn(settings, name, channel.per_minute)
        headers = {"Idempotency-Key": message.id}
        if channel.token:
            headers["Authorization"] = f"Bearer {secret(channel.token)}"
        _post(name, channel, url, formats.generic(message), headers)
        return
    for number, body in enumerate(_bodies(channel, message), 1):
        if number > done:
            _take_turn(settings, name, channel.per_minute)
            _post(name, channel, *_signed(channel, url, body), {})
            part_done(number)


def _bodies(channel: WeCom | DingTalk | Feishu, message: Message) -> list[dict[str, Any]]:
    if isinstance(channel, WeCom):
        return formats.wecom(channel, message)
    return formats.dingtalk(channel, message) if isinstance(channel, DingTalk) else formats.feishu(channel, message)


def _signed(channel: WeCom | DingTalk | Feishu, url: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(channel, WeCom) or channel.sign is None:
        return url, body
    at, key = clock.now().timestamp(), secret(channel.sign)
    if isinstance(channel, DingTalk):
        return formats.dingtalk_signed(url, key, int(at * 1000)), body
    return url, formats.feishu_signed(body, key, int(at))


def _post(
    name: str, channel: WeCom | DingTalk | Feishu | Json, url: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    try:
        # no redirect: the address holds a token, and the message is for nobody else
        answer = requests.post(url, json=body, headers=headers, timeout=(5, channel.timeout_s), allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise Stop("CH-ALERT-003", channel=name, detail=f"TLS: {_words(error)}") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        raise Stop("CH-ALERT-003", channel=name, detail="the secret holds no http(s) address") from None
    except (requests.RequestException, OSError) as error:
        raise Retry("CH-ALERT-002", channel=name, detail=_words(error)) from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Retry("CH-ALERT-002", channel=name, detail=f"HTTP {answer.status_code}")
    if not 200 <= answer.status_code < 300:
        raise Stop("CH-ALERT-003", channel=name, detail=f"HTTP {answer.status_code}")
    if isinstance(channel, Json):
        return
    try:
        refused = formats.refusal(answer.json())
    except ValueError:
        refused = (0, "the answer is no JSON")
    if refused is not None:
        code, words = refused
        detail = f"{code} {redact(words)}"
        if code in formats.PASSING:
            raise Retry("CH-ALERT-002", channel=name, detail=detail)
        raise Stop("CH-ALERT-003", channel=name, detail=detail)


def _words(error: Exception) -> str:
    """The kind of a transport's failure; its text would hold the address, which holds the token."""
    return type(error).__name__


def _take_turn(settings: Settings, name: str, per_minute: int) -> None:
    file = outbox.root(settings) / "rate" / f"{name}.json"
    now = clock.now()
    recent = [
        text
        for text in (read_json(file) or {}).get("sent", [])
        if timedelta(0) <= now - datetime.fromisoformat(text) < timedelta(minutes=1)
    ]
    if len(recent) >= per_minute:
        raise Retry("CH-ALERT-004", channel=name, per_minute=per_minute)
    write_json(file, {"sent": [*recent, now.isoformat()]})
