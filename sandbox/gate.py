"""Who may read: the vendor's login, token, key or signature, checked for each call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

from sandbox.keys import Keys
from sandbox.manners import Auth, Basic, Bearer, Login, NoAuth, Signature

CLOCK_SKEW_S = 300


def secret_names(platform: str, auth: Auth) -> list[str]:
    """Names of the secrets that a caller of this platform needs."""
    match auth:
        case Basic() | Login():
            kinds = ["user", "password"]
        case Bearer():
            kinds = ["token"]
        case Signature():
            kinds = ["app_key", "app_secret"]
        case NoAuth():
            kinds = []
    return [f"{platform}_{kind}" for kind in kinds]


@dataclass
class Gate:
    """The checks of one platform. `expires_after`: a token's calls before it is refused (scripted fault)."""

    platform: str
    keys: Keys
    expires_after: int | None = None
    _used: Counter[str] = field(default_factory=Counter)
    _issued: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, auth: Auth, headers: Message | Mapping[str, str]) -> str | None:
        """Why the call is refused, or None when it may pass."""
        match auth:
            case NoAuth():
                return None
            case Basic():
                good = base64.b64encode(f"{self._key('user')}:{self._key('password')}".encode()).decode()
                return None if _same(headers.get("Authorization"), f"Basic {good}") else "bad credentials"
            case Bearer():
                return None if _same(headers.get("Authorization"), f"Bearer {self._key('token')}") else "bad token"
            case Login():
                return self._token_refusal((headers.get(auth.header) or "").removeprefix(auth.prefix))
            case Signature():
                return self._signature_refusal(auth, headers)

    def login(self, auth: Login, body: bytes) -> str | None:
        """The answer to a login call, or None when user or password are wrong."""
        try:
            given = json.loads(body or b"{}")
        except ValueError:
            return None
        if not isinstance(given, dict):
            return None
        user, password = str(given.get(auth.user_field)), str(given.get(auth.password_field))
        if not (_same(user, self._key("user")) and _same(password, self._key("password"))):
            return None
        return auth.body.replace("$token", self._token(auth.seconds)).replace("$seconds", str(auth.seconds))

    def _key(self, kind: str) -> str:
        return self.keys.value(f"{self.platform}_{kind}")

    def _token(self, seconds: int) -> str:
        with self._lock:
            self._issued += 1
            claims = {"sub": self.platform, "exp": time.time() + seconds, "jti": self._issued}
        parts = [_base64({"alg": "HS256", "typ": "JWT"}), _base64(claims)]
        return ".".join([*parts, self._sign(".".join(parts))])

    def _sign(self, text: str) -> str:
        return hmac.new(self._key("jwt").encode(), text.encode(), hashlib.sha256).hexdigest()

    def _token_refusal(self, token: str) -> str | None:
        text, _, sign = token.rpartition(".")
        if not text or not _same(sign, self._sign(text)):
            return "token invalid"
        claims = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
        with self._lock:
            self._used[token] += 1
            worn = self.expires_after is not None and self._used[token] > self.expires_after
        return "token expired" if worn or claims["exp"] < time.time() else None

    def _signature_refusal(self, auth: Signature, headers: Message | Mapping[str, str]) -> str | None:
        app_key, stamp = headers.get(auth.key_header), headers.get(auth.time_header) or ""
        if not _same(app_key, self._key("app_key")):
            return "appKey unknown"
        if not stamp.isdigit() or abs(int(stamp) / 1000 - time.time()) > CLOCK_SKEW_S:
            return "timestamp out of range"
        good = signature(auth.algorithm, str(app_key), stamp, self._key("app_secret"))
        return None if _same(headers.get(auth.sign_header), good) else "signature wrong"


def signature(algorithm: str, app_key: str, stamp: str, secret: str) -> str:
    """The signature as the vendors' manuals give it; see `manners.Signature`."""
    if algorithm == "hmac-sha256":
        return hmac.new(secret.encode(), f"{app_key}{stamp}".encode(), hashlib.sha256).hexdigest()
    return hashlib.new(algorithm, f"{app_key}{stamp}{secret}".encode()).hexdigest()


def _same(given: str | None, good: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), good.encode())


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


__all__ = ["Gate", "secret_names", "signature"]
