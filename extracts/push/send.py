"""One batch over HTTP: sent, and the answer read as taken, refused as it is, later, or not with this identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from cityhub.errors import Retry, Stop, Unauthorised
from cityhub.secrets import address, redact
from cityhub.settings import Settings
from connectors.network import explain
from connectors.retry import Transient
from connectors.session import asked_wait, host_and_port, session_to
from extracts.push.outbox import Batch
from extracts.push.signature import headers
from extracts.push.template import AnswerRule, Template


class Refused(Exception):
    """The target says that this batch, as it is, will never do."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True)
class Taken:
    """The target took the batch. `rejected`: place in the batch → why that record was not taken."""

    receipt: str | None
    rejected: dict[int, str] = field(default_factory=dict)


class Sender:
    """Requests of one run to one target over one session. Redirects are not followed: the body is for nobody else."""

    def __init__(self, settings: Settings, template: Template) -> None:
        self._settings, self._template = settings, template
        self._address = address(template.address, target=template.target).rstrip("/")
        cut = urlsplit(self._address)
        if cut.scheme not in {"http", "https"} or not cut.hostname:
            raise Stop("CH-PUSHUP-003", target=template.target, name=template.address)
        self._host, self._port = host_and_port(self._address)
        self._session = session_to(self._host)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, batch: Batch) -> Taken:
        """One try. Raises `Transient` (CH-PULL-… of the way, CH-PUSHUP-004 of the target), `Refused`, `Unauthorised`
        CH-PUSHUP-005, `Stop` CH-PUSHUP-006 for an address that is not the endpoint."""
        template = self._template
        path = template.datasets[batch.dataset].path
        url = f"{self._address}{path}"
        sent = {
            "Content-Type": "application/json; charset=utf-8",
            template.idempotency_header: batch.id,
            **headers(self._settings, template, "POST", urlsplit(url).path, batch.body),
        }
        timeout = (min(10.0, template.timeout_s), template.timeout_s)
        try:
            answer = self._session.post(url, data=batch.body, headers=sent, timeout=timeout, allow_redirects=False)
        except (requests.RequestException, OSError) as error:
            found = explain(
                error, host=self._host, port=self._port, seconds=template.timeout_s, target=template.target
            )  # fmt: skip
            if isinstance(found, Retry):
                raise Transient(found) from error
            raise found from error
        return self._read(answer, batch)

    def _read(self, answer: requests.Response, batch: Batch) -> Taken:
        rule, status = self._template.answer, answer.status_code
        content = _json(answer)
        said = f"HTTP {status}: {_said(rule, content, answer.text)}"
        place: dict[str, Any] = {"target": self._template.target, "dataset": batch.dataset, "detail": said}
        if status in {401, 403}:
            raise Unauthorised("CH-PUSHUP-005", **place)
        if status == 429 or status >= 500 or status in {408, 409, 425}:
            raise Transient(Retry("CH-PUSHUP-004", **place), asked_wait(answer.headers.get("Retry-After")))
        if status in {404, 405, 410} or 300 <= status < 400:
            raise Stop("CH-PUSHUP-006", **place)
        if status >= 400:
            raise Refused(said)
        if rule.ok_at is not None:
            code = _at(content, rule.ok_at)
            if str(code) in rule.again:
                raise Transient(Retry("CH-PUSHUP-004", **place))
            if str(code) not in rule.ok:
                raise Refused(f"{said} ({rule.ok_at} {code})")
        receipt = _at(content, rule.receipt_at) if rule.receipt_at else None
        return Taken(None if receipt is None else str(receipt)[:200], _rejected(rule, content))


def _rejected(rule: AnswerRule, content: Any) -> dict[int, str]:
    found: dict[int, str] = {}
    listed = _at(content, rule.rejected_at) if rule.rejected_at else None
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, Mapping) and str(item.get(rule.index_at)).isdigit():
            found[int(item[rule.index_at])] = redact(str(item.get(rule.reason_at) or "no reason given"))[:300]
    return found


def _json(answer: requests.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError:
        return None


def _at(content: Any, path: str) -> Any:
    for part in path.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _said(rule: AnswerRule, content: Any, text: str) -> str:
    message = _at(content, rule.message_at)
    return redact(" ".join(str(message if message is not None else text).split())[:200]) or "it gives no reason"
