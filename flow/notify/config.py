"""`alerts.yaml`: which channels there are, what goes to whom, how often. Tokens and passwords are names of secrets."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cityhub.spec.source import Model
from cityhub.stated import optional, place

_WHERE = ("alerts.yaml", "CITYHUB_ALERTS")

Severity = Literal["info", "warning", "critical"]
ORDER: tuple[Severity, ...] = ("info", "warning", "critical")
Secret = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="name of a secret, never its value")]
Address = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]


class Paced(Model):
    """What every channel has."""

    per_minute: int = Field(20, ge=1, le=1000, description="messages a minute at most")
    timeout_s: float = Field(10, gt=0, le=120)


class WeCom(Paced):
    """企业微信群机器人."""

    kind: Literal["wecom"]
    url: Secret
    message: Literal["markdown", "text"] = "markdown"
    mention: list[str] = Field(default_factory=list, description="text: mobile numbers, or @all")


class DingTalk(Paced):
    """钉钉群机器人; `sign`: the secret of 加签; `keyword`: a word that the robot demands in each message."""

    kind: Literal["dingtalk"]
    url: Secret
    sign: Secret | None = None
    message: Literal["markdown", "text"] = "markdown"
    keyword: str | None = None
    mention: list[str] = Field(default_factory=list, description="mobile numbers")


class Feishu(Paced):
    """飞书 / Lark 自定义机器人; `sign`: the secret of 签名校验."""

    kind: Literal["feishu"]
    url: Secret
    sign: Secret | None = None
    message: Literal["post", "text"] = "post"
    keyword: str | None = None


class Json(Paced):
    """A webhook of your own: alerts as JSON; `token`: secret sent as bearer token."""

    kind: Literal["json"]
    url: Secret
    token: Secret | None = None


class Mail(Paced):
    """E-mail by SMTP; user and password are names of secrets."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "ssl", "none"] = "starttls"
    user: Secret | None = None
    password: Secret | None = None
    sender: Address = Field(alias="from")
    to: list[Address] = Field(default_factory=list, description="addresses; departments name their own under `owners`")
    ca_file: Path | None = Field(None, description="certificate authority of the mail server, where it is your own")

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Mail:
        if (self.user is None) != (self.password is None):
            raise ValueError("give both `user` and `password`, or neither")
        if self.security == "none" and self.user is not None:
            raise ValueError("a password is not sent without TLS: security starttls or ssl")
        return self


Channel = Annotated[WeCom | DingTalk | Feishu | Json | Mail, Field(discriminator="kind")]


class Rule(Model):
    """Which alerts go where. `alerts` are names of kinds, `*` for any."""

    alerts: list[str] = Field(default_factory=lambda: ["*"], min_length=1)
    severity: Severity = Field("warning", description="at least")
    departments: list[str] = Field(default_factory=list, description="only feeds of these; none: all")
    to: list[str] = Field(min_length=1, description="names of channels, or `owner`: what the department has below")

    def takes(self, kind: str, severity: str, department: str | None) -> bool:
        """Whether an alert goes where this rule says."""
        return (
            any(fnmatchcase(kind, pattern) for pattern in self.alerts)
            and ORDER.index(severity) >= ORDER.index(self.severity)
            and (not self.departments or department in self.departments)
        )


class Owner(Model):
    """How a department is reached: addresses for mail channels, or channels of its own."""

    mail: list[Address] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)


class Limits(Model):
    """When something is an alert."""

    night_hours: float = Field(26, gt=0, description="no night finished and published for so long")
    published_by: str = Field("08:00", pattern=r"^\d\d:\d\d$", description="local time by which yesterday is published")
    gateway_silent_minutes: float = Field(5, gt=0, description="a gateway's status file is not refreshed")
    disk_free_percent: float = Field(10, ge=0, le=100)


class Config(Model):
    """The whole file."""

    channels: dict[str, Channel] = Field(default_factory=dict)
    rules: list[Rule] = Field(default_factory=list)
    owners: dict[str, Owner] = Field(default_factory=dict, description="department → how it is reached; `*`: any other")
    mail_through: str | None = Field(None, description="the e-mail channel that carries mail to departments")
    repeat_hours: float = Field(24, ge=1, description="the same alert again after so long")
    digest: bool = Field(True, description="one message a day to each department about its issues")
    heartbeat: Secret = Field("heartbeat_url", description="secret with the address that is called after each night")
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _names_are_channels(self) -> Config:
        for number, rule in enumerate(self.rules, 1):
            for name in rule.to:
                if name != "owner" and name not in self.channels:
                    raise ValueError(f"rule {number} names the channel {name!r}, which is not among the channels")
        for department, owner in self.owners.items():
            for name in owner.channels:
                if name not in self.channels:
                    raise ValueError(
                        f"owner {department!r} names the channel {name!r}, which is not among the channels"
                    )
            if owner.mail and self.mail_through is None:
                raise ValueError(
                    f"owner {department!r} has mail addresses: say in `mail_through` which channel carries them"
                )
        if self.mail_through is not None and not isinstance(self.channels.get(self.mail_through), Mail):
            raise ValueError(f"mail_through names {self.mail_through!r}, which is no e-mail channel")
        return self


def file() -> Path:
    """Where the configuration stands: `CITYHUB_ALERTS`, else `alerts.yaml` beside the feeds of this repository."""
    return place(*_WHERE)


def load() -> Config:
    """The configuration; without a file there are no channels. Raises `Usage` CH-ALERT-001, all problems at once."""
    return optional(Config, *_WHERE, "CH-ALERT-001")
