"""How a vendor's API behaves, declaratively: login, paging, envelope. `sandbox/rest.py` serves it.

Names of secrets follow the platform: `<platform>_user`, `_password`, `_app_key`, `_app_secret`, `_token`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class NoAuth:
    """Open."""


@dataclass(frozen=True)
class Basic:
    """HTTP Basic with `<platform>_user` and `<platform>_password`."""


@dataclass(frozen=True)
class Bearer:
    """A fixed token `<platform>_token` in `Authorization: Bearer`."""


@dataclass(frozen=True)
class Login:
    """POST user and password as JSON to `path`; the answer `body` holds a JWT that lives `seconds`.

    `body` is the answer's text with `$token` and `$seconds`."""

    path: str
    body: str
    user_field: str = "username"
    password_field: str = "password"
    header: str = "Authorization"
    prefix: str = "Bearer "
    seconds: int = 60


@dataclass(frozen=True)
class Signature:
    """appKey, timestamp (ms) and a lower-case hex signature.

    sha256 and md5: over appKey + timestamp + secret; hmac-sha256: over appKey + timestamp, keyed with the
    secret.
    """

    algorithm: Literal["sha256", "hmac-sha256", "md5"] = "sha256"
    key_header: str = "appKey"
    time_header: str = "timestamp"
    sign_header: str = "signature"


@dataclass(frozen=True)
class NoPaging:
    """One answer holds everything."""


@dataclass(frozen=True)
class Page:
    """Page numbers from `first`."""

    number: str = "pageNo"
    size: str = "pageSize"
    first: int = 1


@dataclass(frozen=True)
class Offset:
    """Offset and limit."""

    offset: str = "offset"
    size: str = "limit"


@dataclass(frozen=True)
class Cursor:
    """An opaque cursor from the answer; null at the end."""

    cursor: str = "cursor"
    size: str = "limit"


Auth = NoAuth | Basic | Bearer | Login | Signature
Paging = NoPaging | Page | Offset | Cursor


@dataclass(frozen=True)
class Manner:
    """One vendor's way.

    `ok` is the answer's text with `$records` (once), `$total` and `$next` (JSON string or null); `error` the
    text of a refusal with `$code` and `$message`. `error_status` replaces every HTTP status of a refusal
    (200: the error hides in the body). For xml, records are `<row>` elements.
    """

    auth: Auth
    paging: Paging
    ok: str
    error: str
    format: Literal["json", "xml"] = "json"
    error_status: int | None = None
    default_size: int = 500
    max_size: int = 50_000


@dataclass(frozen=True)
class Endpoint:
    """One path of a platform's API. `day` names the query parameter of the service day: ISO date or time,
    20261120, or epoch ms; None: a registry, as of the sandbox's own day."""

    path: str
    dataset: str
    manner: Manner
    day: str | None = "date"
