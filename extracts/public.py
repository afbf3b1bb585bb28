"""A public key as a person gives it: base64, or a file that holds it."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cityhub.errors import Stop
from extracts import sm2 as algorithm


def ed25519(text: str) -> bytes:
    """32 bytes; raises `Stop` CH-EXT-011 for what is no such key."""
    return _of(text, 32, "--public-key")


def sm2(text: str) -> bytes:
    """64 bytes, X and Y; many programs put 04 before them. Raises `Stop` CH-EXT-010 where SM2 signatures cannot be
    checked, CH-EXT-011 for what is no such key."""
    algorithm.library()
    return _of(text, algorithm.PUBLIC, "--sm2", before=b"\4")


def _of(text: str, size: int, option: str, before: bytes = b"") -> bytes:
    path = Path(text)
    try:
        said = path.read_text(encoding="utf-8").strip() if len(text) < 1024 and path.is_file() else text
        found = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError, OSError):
        found = b""
    if len(found) == size + len(before):
        found = found.removeprefix(before)
    if len(found) != size:
        raise Stop("CH-EXT-011", option=option, detail=f"it is not {size} bytes as base64", command="verify")
    return found
