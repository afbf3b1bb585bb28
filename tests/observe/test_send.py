"""Delivery: to robots that check what real ones check, and to a mail server; at least once, and not twice by us."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from cityhub.errors import Usage
from cityhub.settings import Settings
from flow.notify import config, outbox, state
from flow.notify.alert import Alert
from flow.notify.config import Config
from flow.notify.outbox import Target
from flow.notify.send import send
from tests.observe.receiver import DING_SECRET, FEISHU_SECRET, Robots
from tests.servers.certificates import Authority
from tests.servers.http import Answer, Vendor, as_json, vendor

ROBOTS: dict[str, Any] = {
    "wecom": {"kind": "wecom", "url": "wecom_url"},
    "dingtalk": {"kind": "dingtalk", "url": "ding_url", "sign": "ding_sign"},
    "feishu": {"kind": "feishu", "url": "feishu_url", "sign": "feishu_sign"},
    "json": {"kind": "json", "url": "duty_url", "token": "duty_token"},
}
ALERT = Alert(
    "feed:gas.alarm", "feed_failed", "critical", "燃气报警：采集失败", department="县住建局", feed="gas.alarm"
)
TOKENS = ("wecom-token", "ding-token", DING_SECRET, FEISHU_SECRET, "feishu-token", "duty-token")


@pytest.fixture
def robots(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Robots, Vendor]]:
    with vendor(Robots()) as running:
        for name, value in {
            "wecom_url": f"{running.address}/wecom/send?key=wecom-token",
            "ding_url": f"{running.address}/dingtalk/send?access_token=ding-token",
            "ding_sign": DING_SECRET,
            "feishu_url": f"{running.address}/feishu/hook/feishu-token",
            "feishu_sign": FEISHU_SECRET,
            "duty_url": f"{running.address}/json",
            "duty_token": "duty-token",
        }.items():
            monkeypatch.setenv(f"CITYHUB_{name.upper()}", value)
        yield running.answer, running  # type: ignore[misc]  # what was given above


def configured(*names: str, **more: Any) -> Config:
    channels = {name: ROBOTS[name] | more.pop(name, {}) for name in names}
    return Config.model_validate({"channels": channels, "rules": [{"to": list(names)}], **more})


def raised(settings: Settings, chosen: Config, *alerts: Alert) -> int:
    return state.update(settings, chosen, list(alerts), {"feed"})


def waited() -> tuple[list[float], Any]:
    waits: list[float] = []
    return waits, waits.append


def test_every_robot_takes_its_own_message_and_the_outbox_is_empty(settings: Settings, robots: Any) -> None:
    taken, _ = robots
    chosen = configured(*ROBOTS)
    assert raised(settings, chosen, ALERT) == 4
    done = send(settings, chosen)
    assert (done.sent, done.waiting, done.problems) == (4, 0, {})
    assert sorted(kind for kind, _ in taken.taken) == sorted(ROBOTS)
    (body,) = [body for kind, body in taken.taken if kind == "json"]
    assert body["schema_version"] == 1 and body["alerts"][0]["key"] == "feed:gas.alarm"
    assert body["id"] in taken.keys  # Idempotency-Key
    assert send(settings, chosen).sent == 0


def test_one_night_is_one_message(settings: Settings, robots: Any) -> None:
    taken, _ = robots
    chosen = configured("json")
    raised(settings, chosen, *(Alert(f"feed:f{n}", "feed_late", "warning", f"第{n}个") for n in range(7)))
    assert send(settings, chosen).sent == 1
    assert len(taken.taken[0][1]["alerts"]) == 7


def test_a_channel_that_is_busy_is_tried_again_then_later_with_the_same_words(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, server = robots
    chosen = configured("json")
    raised(settings, chosen, ALERT)
    taken.refuse = [Answer(b"", 503)] * 3
    waits, sleep = waited()
    done = send(settings, chosen, sleep=sleep)
    assert (done.sent, done.waiting, waits) == (0, 1, [1.0, 4.0])
    assert done.problems["json"].startswith("CH-ALERT-002") and "HTTP 503" in done.problems["json"]
    assert send(settings, chosen).sent == 0  # not due yet
    assert len(server.requests) == 3
    raised(settings, chosen, ALERT, Alert("feed:other", "feed_late", "warning", "另一个"))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:16:00+08:00")
    assert send(settings, chosen).sent == 2  # the one that waits unchanged, and the new one
    assert server.requests[0].body == server.requests[3].body
    assert server.requests[0].headers["idempotency-key"] == server.requests[3].headers["idempotency-key"]


def test_a_refusal_in_a_200_keeps_the_message_and_names_the_reason_without_the_token(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    taken, server = robots
    monkeypatch.setenv("CITYHUB_WECOM_URL", f"{server.address}/wecom/send?key=old-wecom-token")
    chosen = configured("wecom")
    raised(settings, chosen, ALERT)
    done = send(settings, chosen)
    assert done.problems["wecom"].startswith("CH-ALERT-003") and "93000" in done.problems["wecom"]
    monkeypatch.setenv("CITYHUB_WECOM_URL", f"{server.address}/wecom/send?key=wecom-token")
    assert send(settings, chosen, now=True).sent == 1
    assert taken.taken
    everything = caplog.text + "".join(path.read_text() for path in settings.home.rglob("*.*json"))
    assert not [token for token in (*TOKENS, "old-wecom-token") if token in everything]


def test_a_dead_address_says_nothing_of_its_token(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_WECOM_URL", "http://127.0.0.1:1/send?key=wecom-token")
    chosen = configured("wecom")
    raised(settings, chosen, ALERT)
    _, sleep = waited()
    done = send(settings, chosen, sleep=sleep)
    assert "CH-ALERT-002" in done.problems["wecom"] and "wecom-token" not in str(done)
    assert not any("wecom-token" in path.read_text() for path in settings.home.rglob("*.json"))


def test_a_secret_that_nobody_set_keeps_the_message(settings: Settings) -> None:
    chosen = configured("wecom")
    raised(settings, chosen, ALERT)
    done = send(settings, chosen)
    assert (done.waiting, done.problems["wecom"][:11]) == (1, "CH-CONF-001")


def test_a_kill_after_the_delivery_delivers_the_same_message_once_more_and_no_third_time(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = robots
    chosen = configured("json")
    raised(settings, chosen, ALERT)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(outbox, "delivered", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        send(settings, chosen)
    assert send(settings, chosen).sent == 1
    assert send(settings, chosen).sent == 0
    assert taken.keys[0] == taken.keys[1] and len(taken.keys) == 2


def test_a_kill_between_the_outbox_and_the_note_tells_once(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = robots
    chosen = configured("json")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(state, "write_json", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        raised(settings, chosen, ALERT)
    assert raised(settings, chosen, ALERT) == 0  # the same message waits already
    send(settings, chosen)
    assert len(taken.taken[0][1]["alerts"]) == 1


def test_a_kill_between_batch_and_outbox_tells_each_alert_once(settings: Settings, robots: Any) -> None:
    taken, _ = robots
    chosen = configured("json")
    raised(settings, chosen, ALERT)
    (waiting,) = (settings.home / "alerts" / "outbox" / "json").glob("*.json")
    content = waiting.read_bytes()
    outbox.batches(settings, "json", 50)
    waiting.write_bytes(content)  # as a kill would have left it
    assert send(settings, chosen).sent == 1
    waiting.write_bytes(content)
    assert send(settings, chosen).sent == 0
    assert len(taken.taken) == 1


def test_no_more_than_the_channel_allows_in_a_minute_the_rest_later(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = robots
    chosen = configured("json", json={"per_minute": 2})
    for number in range(5):
        outbox.put(settings, Target("json", (f"to-{number}",)), str(number), "new", ALERT.__dict__)
    done = send(settings, chosen)
    assert (done.sent, done.waiting, done.problems["json"][:12]) == (2, 3, "CH-ALERT-004")
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:16:01+08:00")
    assert send(settings, chosen).sent == 2
    assert len(taken.taken) == 4


def test_a_message_in_parts_goes_on_with_the_part_that_failed(settings: Settings, robots: Any) -> None:
    taken, server = robots
    chosen = configured("wecom", wecom={"message": "text"})
    raised(settings, chosen, *(Alert(f"feed:f{n}", "feed_late", "warning", f"第{n}个" * 20) for n in range(20)))
    taken_before = server.answer

    def second_fails(request: Any) -> Answer:
        return as_json({"errcode": 45009, "errmsg": "freq"}) if len(server.requests) == 2 else taken_before(request)

    server.answer = second_fails
    waits, sleep = waited()
    assert send(settings, chosen, sleep=sleep).sent == 1
    texts = [body["text"]["content"] for _, body in taken.taken]
    assert waits == [1.0] and len(texts) == len(set(texts)) > 1


def test_what_nobody_takes_for_days_is_kept_aside_and_listed(
    settings: Settings, robots: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = robots
    chosen = configured("json")
    raised(settings, chosen, ALERT)
    taken.refuse = [Answer(b"", 404)] * 2
    send(settings, chosen)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-25T01:15:00+08:00")
    assert send(settings, chosen).waiting == 0
    assert [place for place, _ in outbox.waiting(settings)] == ["dead"]


class Mailbox:
    """Handler of a real mail server."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.to: list[list[str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.to.append(envelope.rcpt_tos)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class Controlled(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.SMTP_kwargs)


@contextmanager
def mail_server(folder: Path, *, implicit: bool) -> Iterator[tuple[Mailbox, int, Path]]:
    box, authority = Mailbox(), Authority(folder)
    certificate, key = authority.sign("server")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"hub", b"mail-pa55word"), handled=False)

    how: dict[str, Any] = {"ssl_context": tls} if implicit else {"tls_context": tls, "require_starttls": True}
    running = Controlled(box, hostname="127.0.0.1", port=_free(), authenticator=login, auth_required=True,
                         auth_require_tls=not implicit, **how)  # fmt: skip
    running.start()
    try:
        yield box, running.port, folder / "ca.pem"
    finally:
        running.stop()


def _free() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_mail_goes_out_encrypted_with_login_and_to_the_department(
    security: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_SMTP_USER", "hub")
    monkeypatch.setenv("CITYHUB_SMTP_PASSWORD", "mail-pa55word")
    with mail_server(tmp_path / "tls", implicit=security == "ssl") as (box, port, ca):
        chosen = Config.model_validate({
            "channels": {"mail": {"kind": "email", "host": "127.0.0.1", "port": port, "security": security,
                                  "ca_file": str(ca), "user": "smtp_user", "password": "smtp_password",
                                  "from": "hub@qixian.example", "to": ["ops@qixian.example"]}},
            "rules": [{"to": ["mail"]}, {"to": ["owner"], "severity": "critical"}],
            "owners": {"县住建局": {"mail": ["zjj@qixian.example"]}},
            "mail_through": "mail",
        })  # fmt: skip
        raised(settings, chosen, ALERT)
        done = send(settings, chosen)
        assert (done.sent, done.problems) == (2, {})
        assert sorted(box.to) == [["ops@qixian.example"], ["zjj@qixian.example"]]
        mail = box.mails[0]
        assert mail["Subject"] == "【城市数据中台】11-21 01:15 1 项告警（最高：严重）"
        assert "燃气报警：采集失败" in mail.get_content()
        assert mail["Message-ID"].endswith("@qixian.example>") and mail["Auto-Submitted"] == "auto-generated"
        monkeypatch.setenv("CITYHUB_SMTP_PASSWORD", "wrong-pa55word")
        raised(settings, chosen)
        problem = send(settings, chosen).problems["mail"]
        assert problem.startswith("CH-ALERT-003") and "pa55word" not in problem


def test_a_mail_server_with_a_strange_certificate_gets_no_password(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_SMTP_USER", "hub")
    monkeypatch.setenv("CITYHUB_SMTP_PASSWORD", "mail-pa55word")
    with mail_server(tmp_path / "tls", implicit=False) as (box, port, _):
        chosen = Config.model_validate({
            "channels": {"mail": {"kind": "email", "host": "127.0.0.1", "port": port, "user": "smtp_user",
                                  "password": "smtp_password", "from": "a@b.example", "to": ["c@d.example"]}},
            "rules": [{"to": ["mail"]}]})  # fmt: skip
        raised(settings, chosen, ALERT)
        assert "TLS" in send(settings, chosen).problems["mail"]
        assert not box.mails


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("channels: {a: {kind: telegram, url: x}}", "telegram"),
        ("channels: {a: {kind: wecom, url: 'https://qyapi.weixin.qq.com/?key=1'}}", "channels.a.wecom.url"),
        ("rules: [{to: [nobody]}]", "nobody"),
        ("owners: {x: {mail: [a@b]}}", "mail_through"),
        ("channels: [", "flow"),
        ("chanels: {}", "chanels"),
        ("channels: {m: {kind: email, host: h, security: none, user: u, password: p, from: a@b}}", "TLS"),
    ],
)
def test_a_mistake_in_the_file_is_named(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    monkeypatch.setenv("CITYHUB_ALERTS", str(path))
    with pytest.raises(Usage) as error:
        config.load()
    assert error.value.code == "CH-ALERT-001" and problem in str(error.value)


def test_the_file_that_is_shipped_can_be_read_and_has_no_channel() -> None:
    assert config.load().channels == {}
    assert json.dumps(Config().model_dump(mode="json"))
