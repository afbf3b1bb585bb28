"""The profile `gov`: consumers that send appKey, timestamp, nonce and signature instead of a Bearer key.

The signature is an HMAC over the request, so the service must hold the secret itself: it lies in the folder of secrets,
one file a key, and only for keys that were made with --gov.
"""

from __future__ import annotations

import hmac
import secrets as random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from cityhub import clock
from cityhub.errors import Stop, Unauthorised
from cityhub.secrets import keep_own, remember
from cityhub.settings import Settings
from serving.access import keys
from serving.access.keys import Key
from serving.call import target

SKEW_S = 300
METHODS: dict[str, hashes.HashAlgorithm] = {"HMAC-SHA256": hashes.SHA256(), "HMAC-SM3": hashes.SM3()}
MOST = 100_000  # nonces kept


def make_secret(settings: Settings, key: Key) -> str:
    """Make the secret of a key and keep it, readable by the service's user only."""
    secret = random.token_urlsafe(32)
    keep_own(settings.home, _name(key.id), secret)
    remember(secret)
    return secret


def text_to_sign(app_key: str, timestamp: str, nonce: str, target: str) -> bytes:
    """What is signed: four lines; `target` is path and query as sent."""
    return f"{app_key}\n{timestamp}\n{nonce}\nGET {target}".encode()


def signature(secret: str, text: bytes, method: str = "HMAC-SHA256") -> str:
    """The signature in hexadecimal digits."""
    mac = HMAC(secret.encode(), METHODS[method])
    mac.update(text)
    return mac.finalize().hex()


class Gov:
    """Checks the headers of the profile; a nonce is good once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def key(self, known: Sequence[Key], headers: Mapping[bytes, bytes], scope: Mapping[str, Any]) -> Key:
        """The key that signed the request. Raises `Unauthorised` CH-SERVE-001 or 017, `Stop` CH-SERVE-013."""
        wanted = (b"appkey", b"timestamp", b"nonce", b"signature")
        app_key, timestamp, nonce, given = (headers.get(name, b"").decode("latin-1") for name in wanted)
        if not app_key:
            raise Unauthorised("CH-SERVE-001", problem="there is no header appKey")
        key = keys.by_id(known, app_key)
        if key is None or not key.gov:
            raise Unauthorised("CH-SERVE-001", problem="this appKey is not known here")
        if scope["method"] != "GET":
            raise Stop("CH-SERVE-013", method=scope["method"])
        method = headers.get(b"signmethod", b"HMAC-SHA256").decode("latin-1")
        if method not in METHODS:
            raise Unauthorised("CH-SERVE-017", problem=f"signMethod is one of {', '.join(METHODS)}")
        if not (timestamp.isascii() and timestamp.isdigit() and 10 <= len(timestamp) <= 13):
            raise Unauthorised("CH-SERVE-017", problem="timestamp is no number of seconds or milliseconds since 1970")
        moment = int(timestamp) / (1000 if len(timestamp) == 13 else 1)
        if abs(clock.now().timestamp() - moment) > SKEW_S:
            raise Unauthorised("CH-SERVE-017", problem=f"timestamp is more than {SKEW_S} s from the service's clock")
        if not 8 <= len(nonce) <= 64:
            raise Unauthorised("CH-SERVE-017", problem="nonce has 8 to 64 characters")
        text = text_to_sign(app_key, timestamp, nonce, target(scope))
        if not hmac.compare_digest(signature(self._secret(key), text, method), given.lower()):
            raise Unauthorised("CH-SERVE-017", problem="the signature is another one")
        self._once(app_key, nonce)
        return key

    def _secret(self, key: Key) -> str:
        try:
            return (self.home / "secrets" / _name(key.id)).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise Unauthorised("CH-SERVE-001", problem="the secret of this appKey was removed") from None

    def _once(self, app_key: str, nonce: str) -> None:
        moment = clock.now().timestamp()
        while self._seen and (next(iter(self._seen.values())) < moment - 2 * SKEW_S or len(self._seen) >= MOST):
            self._seen.popitem(last=False)
        if (app_key, nonce) in self._seen:
            raise Unauthorised("CH-SERVE-017", problem="this nonce was used before")
        self._seen[(app_key, nonce)] = moment


def _name(identity: str) -> str:
    return f"gov_app_{identity}"
