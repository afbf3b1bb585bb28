"""Who we are to a source: headers for each call, and how they are renewed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urljoin

from cityhub import secrets
from cityhub.errors import HubError, Stop, Unauthorised
from cityhub.spec.source import Auth, BasicAuth, BearerAuth, LoginAuth, NoAuth, SignatureAuth
from connectors.rest_page import Place
from connectors.rest_split import dig

Post = Callable[[str, dict[str, str]], bytes]


class Identity(Protocol):
    """What the caller needs to know of an identity."""

    names: str

    def headers(self) -> dict[str, str]:
        """Headers of the next call."""

    def renew(self) -> bool:
        """Get new credentials; False where there is nothing to renew."""


class Fixed:
    """The same headers for every call."""

    def __init__(self, headers: dict[str, str], names: str) -> None:
        self._headers, self.names = headers, names

    def headers(self) -> dict[str, str]:
        return self._headers

    def renew(self) -> bool:
        return False


class Signed:
    """A fresh timestamp and signature for every call.

    sha256 and md5 sign `appKey + timestamp + secret`; hmac-sha256 signs `appKey + timestamp` with the
    secret as key.
    """

    def __init__(self, auth: SignatureAuth, feed: object) -> None:
        self._auth = auth
        self._key = secrets.secret(auth.app_key, feed=feed)
        self._secret = secrets.secret(auth.secret, feed=feed)
        self.names = f"{auth.app_key}, {auth.secret}"

    def headers(self) -> dict[str, str]:
        moment = str(int(time.time() * 1000))
        return {
            self._auth.key_header: self._key,
            self._auth.time_header: moment,
            self._auth.sign_header: sign(self._auth.algorithm, self._key, moment, self._secret),
        }

    def renew(self) -> bool:
        return False


def sign(algorithm: str, key: str, moment: str, secret: str) -> str:
    """The signature in lower-case hex."""
    if algorithm == "hmac-sha256":
        return hmac.new(secret.encode(), (key + moment).encode(), hashlib.sha256).hexdigest()
    return hashlib.new(algorithm, (key + moment + secret).encode()).hexdigest()


class Login:
    """A token that lives for a while; asked for at the first call and shortly before it ends."""

    def __init__(self, auth: LoginAuth, address: str, post: Post, place: Place) -> None:
        self._auth, self._post, self._place = auth, post, place
        self._url = urljoin(address, auth.path)
        self._user = secrets.secret(auth.user, feed=place.get("feed"))
        self._password = secrets.secret(auth.password, feed=place.get("feed"))
        self._token = ""
        self._until = 0.0
        self.names = f"{auth.user}, {auth.password}"

    def headers(self) -> dict[str, str]:
        if not self._token or time.monotonic() >= self._until:
            self._login()
        return {self._auth.header: self._auth.prefix + self._token}

    def renew(self) -> bool:
        self._login()
        return True

    def _login(self) -> None:
        started = time.monotonic()
        body = self._post(self._url, {self._auth.user_field: self._user, self._auth.password_field: self._password})
        try:
            answer = json.loads(body)
        except ValueError:
            start = " ".join(body[:200].decode("utf-8", "replace").split())[:80]
            raise Stop("CH-PULL-012", format="JSON", detail=start, **self._place) from None
        token = dig(answer, self._auth.token_at)
        if not isinstance(token, str) or not token:
            raise self._refusal(answer)
        secrets.remember(token)
        self._token = token
        life = dig(answer, self._auth.expires_at) if self._auth.expires_at else None
        self._until = started + _usable(life)

    def _refusal(self, answer: object) -> HubError:
        named = [answer.get(key) for key in ("message", "msg", "error")] if isinstance(answer, dict) else []
        message = next((str(text) for text in named if text), "")
        detail = f"its answer holds no token at “{self._auth.token_at}”: {message[:200] or 'no message'}"
        return Unauthorised("CH-PULL-007", **{**self._place, "detail": detail, "names": self.names})


def _usable(life: object) -> float:
    """Seconds for which a token is used: a tenth of its life is kept in reserve."""
    try:
        seconds = float(str(life))
    except ValueError:
        return float("inf")
    return max(1.0, seconds * 0.9)


def identity(auth: Auth, address: str, post: Post, place: Place) -> Identity:
    """The identity that a spec declares; raises `Stop` CH-CONF-001 for a secret that nobody has set."""
    feed = place.get("feed")
    if isinstance(auth, NoAuth):
        return Fixed({}, "none")
    if isinstance(auth, BasicAuth):
        pair = f"{secrets.secret(auth.user, feed=feed)}:{secrets.secret(auth.password, feed=feed)}"
        coded = base64.b64encode(pair.encode()).decode()
        secrets.remember(coded)
        return Fixed({"Authorization": f"Basic {coded}"}, f"{auth.user}, {auth.password}")
    if isinstance(auth, BearerAuth):
        return Fixed({auth.header: auth.prefix + secrets.secret(auth.token, feed=feed)}, auth.token)
    if isinstance(auth, SignatureAuth):
        return Signed(auth, feed)
    return Login(auth, address, post, place)
