"""Where a feed comes from: one model per transport. Addresses may hold `${name}` (looked up, never secret)
and `{day}`, `{day_compact}`, `{month}`, `{day_start}`, `{day_end}`, `{day_start_ms}`, `{day_end_ms}` (service day)."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Unknown keys are errors: a typing mistake must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuth(Model):
    """No login."""

    kind: Literal["none"] = "none"


class BasicAuth(Model):
    """HTTP Basic; `user` and `password` are names of secrets."""

    kind: Literal["basic"]
    user: str
    password: str


class BearerAuth(Model):
    """A fixed token in a header; `token` is the name of a secret."""

    kind: Literal["bearer"]
    token: str
    header: str = "Authorization"
    prefix: str = "Bearer "


class LoginAuth(Model):
    """POST user and password as JSON, take the token from the answer, log in again when it expires."""

    kind: Literal["login"]
    path: str = Field(description="path of the login call, on the same host")
    user: str = Field(description="name of the secret that holds the user")
    password: str = Field(description="name of the secret that holds the password")
    user_field: str = "username"
    password_field: str = "password"
    token_at: str = Field(description="dotted path of the token in the answer")
    expires_at: str | None = Field(None, description="dotted path of the life in seconds in the answer")
    header: str = "Authorization"
    prefix: str = "Bearer "


class SignatureAuth(Model):
    """Headers appKey, timestamp (ms) and a signature over `appKey + timestamp + secret` in lower-case hex."""

    kind: Literal["signature"]
    app_key: str = Field(description="name of the secret that holds the application key")
    secret: str = Field(description="name of the secret that signs")
    algorithm: Literal["sha256", "hmac-sha256", "md5"] = "sha256"
    key_header: str = "appKey"
    time_header: str = "timestamp"
    sign_header: str = "signature"


Auth = Annotated[NoAuth | BasicAuth | BearerAuth | LoginAuth | SignatureAuth, Field(discriminator="kind")]


class NoPaging(Model):
    """One answer holds everything."""

    kind: Literal["none"] = "none"


class MoreFlag(Model):
    """A flag in the answer that says whether more follows; where it is given, it alone ends the paging."""

    more_at: str | None = Field(None, description="dotted path of a flag that says whether more follows")
    more: list[str] = Field(
        default=["true", "1", "y", "yes"], min_length=1, description="values of the flag that mean yes, in any case"
    )


class PagePaging(MoreFlag):
    """`pageNo=1,2,…`; ends at the stated total, else at an empty page."""

    kind: Literal["page"]
    page_param: str = "pageNo"
    size_param: str = "pageSize"
    size: int = Field(5000, ge=1)
    first: int = 1
    total_at: str | None = Field(None, description="dotted path of the total number of records")


class OffsetPaging(MoreFlag):
    """`offset=0,size,2*size…`; ends at the stated total, else at an empty page."""

    kind: Literal["offset"]
    offset_param: str = "offset"
    size_param: str = "limit"
    size: int = Field(5000, ge=1)
    total_at: str | None = None


class CursorPaging(MoreFlag):
    """The answer names the next cursor; ends when it is absent, null or empty."""

    kind: Literal["cursor"]
    cursor_param: str = "cursor"
    cursor_at: str = Field(description="dotted path of the next cursor")
    size_param: str | None = "limit"
    size: int = Field(5000, ge=1)
    total_at: str | None = None


Paging = Annotated[NoPaging | PagePaging | OffsetPaging | CursorPaging, Field(discriminator="kind")]


class ErrorInBody(Model):
    """HTTP 200 that means failure: the value at `at` is not `ok` (or equals `bad`)."""

    at: str = Field(description="dotted path, e.g. hasError or code")
    ok: str | bool | int | None = None  # bool first: a JSON of it would say 1 for true
    bad: str | bool | int | None = None
    message_at: str | None = None


class RestSource(Model):
    """Pages over HTTP."""

    kind: Literal["rest"]
    address: str = Field(description="URL; ${name} for the host that differs between installations")
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth = NoAuth()
    paging: Paging = NoPaging()
    format: Literal["json", "xml"] = "json"
    records_at: str = Field("", description="dotted path of the array; for XML the record element's name")
    error_when: ErrorInBody | None = None
    rate_per_s: float = Field(50, gt=0, description="calls a second at most")
    timeout_s: float = Field(30, gt=0)
    retries: int = Field(4, ge=0, le=10)


class DatabaseSource(Model):
    """A table or view of an exchange database (前置库), by SQLAlchemy URL."""

    kind: Literal["database"]
    address: str = Field(description="SQLAlchemy URL, usually ${name}; without password")
    user: str | None = Field(None, description="name of the secret that holds the user")
    password: str | None = Field(None, description="name of the secret that holds the password")
    table: str = Field(description="table or view, with schema where there is one")
    day_column: str | None = Field(None, description="rows of the service day: column >= day and < next day")
    cursor: str | None = Field(None, description="change column: rows changed since the last delivery, less overlap")
    overlap_minutes: int = Field(60, ge=0)


class FilesSource(Model):
    """Files that somebody drops into a folder or on an SFTP server."""

    kind: Literal["files"]
    address: str = Field(description="folder or sftp://host/folder")
    pattern: str = Field(description="file name with * and {day_compact}")
    format: Literal["csv", "ndjson", "xlsx", "xml"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    header_row: int = Field(1, ge=1, description="line of the column names, 1 = first")
    sheet: str | None = None
    record: str | None = Field(None, description="XML: name of the record element")
    user: str | None = None
    password: str | None = None
    host_key: str | None = Field(None, description="SFTP: name of the setting that holds the server's key line")


class WorkbookSource(Model):
    """A workbook that people fill in by hand; errors name sheet and cell; merged cells hold for their range."""

    kind: Literal["workbook"]
    address: str = Field(description="folder")
    pattern: str = Field(description="file name with {month} or {day_compact}")
    sheet: str
    header_row: int = Field(1, ge=1)
    melt: list[str] | None = Field(None, description="columns that stay; all others become rows of `item`, `value`")


class MqttSource(Model):
    """Messages pushed over MQTT; the gateway spools them, the load takes closed segments."""

    kind: Literal["mqtt"]
    address: str = Field(description="mqtt://host:port or mqtts://…, usually ${name}")
    topic: str = Field(description="topic filter, + for one level; $share/<group>/<filter> for several gateways")
    qos: Literal[1, 2] = 1
    payload: Literal["json", "cbor", "sparkplug_b"] = Field("json", description="how devices write their messages")
    user: str | None = None
    password: str | None = None


def _network(text: str) -> str:
    ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
Digits = Annotated[str, Field(pattern=r"^\d+$")]
MessageId = Annotated[str, Field(pattern=r"^0x[0-9A-F]{4}$")]


class Listening(Model):
    """What all feeds have in common whose devices connect to the hub; those with one `listen` share its port."""

    listen: str = Field(description="host:port, usually ${name}; ?key=value for TLS and limits")
    allow: list[Network] = Field(default_factory=list, description="networks that may connect; none: every one")

    @property
    def address(self) -> str:
        """The listening address, named as other sources name theirs."""
        return self.listen


class Hj212Source(Listening):
    """Frames of HJ 212 over TCP; one record a factor. Without `st` and `cn` every frame."""

    kind: Literal["hj212"]
    st: list[Digits] = Field(default_factory=list, description="system codes: 39 dust, 31 stack gas …")
    cn: list[Digits] = Field(default_factory=list, description="commands: 2011 real time, 2051 minute, 2061 hour …")
    registry: str | None = Field(None, description="feed of the devices with a field `mn`, and `password` if checked")
    sm4_key: str | None = Field(None, description="name of the secret that holds the SM4 key (2025)")
    units: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="units of devices that differ from the usual: {device number or pattern: {factor: unit}}",
    )


class Jt808Source(Listening):
    """Frames of JT/T 808 over TCP; one record a position."""

    kind: Literal["jt808"]
    msg: list[MessageId] = Field(default=["0x0200", "0x0704"], min_length=1, description="message ids of the feed")
    registry: str | None = Field(None, description="feed of the vehicles with a field `terminal_phone`")
    auth_key: str | None = Field(
        None, description="name of the secret from which terminals get their code; none: any code"
    )


class Jt809Source(Listening):
    """Frames of JT/T 809 that other platforms send as inferior; one record a position."""

    kind: Literal["jt809"]
    msg: list[MessageId] = Field(default=["0x1200"], min_length=1, description="message ids of the feed")
    user: str | None = Field(None, description="name of the secret that holds the platform's user number")
    password: str | None = Field(None, description="name of the secret that holds its password")
    m1: str | None = Field(None, description="name of the secret that holds M1 of the link cipher")
    ia1: str | None = Field(None, description="name of the secret that holds IA1")
    ic1: str | None = Field(None, description="name of the secret that holds IC1")


TcpSource = Hj212Source | Jt808Source | Jt809Source
PUSHED = frozenset({"mqtt", "hj212", "jt808", "jt809"})
"""Kinds that bring their data themselves: a gateway spools it, nothing is fetched."""
Source = Annotated[
    RestSource | DatabaseSource | FilesSource | WorkbookSource | MqttSource | Hj212Source | Jt808Source | Jt809Source,
    Field(discriminator="kind"),
]
