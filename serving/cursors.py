"""Cursors: where a page ended, pinned to one publication; opaque to the client and signed, so that none is made up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cityhub.errors import Stop
from cityhub.secrets import ensure_own, own
from cityhub.settings import Settings

NAME = "cursor_key"
_MAC = 16  # bytes
LONGEST = 2048  # characters


class Cursors:
    """Makes and reads cursors with one key of the installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, request: dict[str, Any], after: list[Any]) -> str:
        """The cursor of a request (its address and filters, its pinned publication) that goes on behind a row's key."""
        body = json.dumps([request, after], ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()

    def read(self, text: str) -> tuple[dict[str, Any], list[Any]]:
        """The request and the row's key of a cursor; raises `Stop` CH-SERVE-008 for everything that is none."""
        try:
            if len(text) > LONGEST:
                raise ValueError
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
                raise ValueError  # one cursor has one spelling
        except ValueError:
            raise Stop("CH-SERVE-008", problem="it is not text that this service gave") from None
        mac, body = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise Stop("CH-SERVE-008", problem="it was changed, or comes from another installation")
        request, after = json.loads(body)
        return request, after

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, hashlib.sha256)[:_MAC]


def of(settings: Settings) -> Cursors:
    """The cursors of an installation; its key is made at the first time."""
    ensure_own(settings.home, NAME)
    return Cursors(str(own(settings.home, NAME)).encode())
