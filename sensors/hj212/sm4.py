"""SM4 in ECB mode over the data area of commands, as HJ 212-2025 has it for the open Internet (NoPadding).

The cipher text stands between the `&&` as hexadecimal or Base64 text; the plain text is filled with zero bytes to a
multiple of 16. ECB shows which blocks repeat: that is the standard's choice, not ours.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

ENCRYPTED = frozenset({"1014", "3020", *(str(cn) for cn in range(2000, 3000))})
EDITION_2025 = 2
_HEX = frozenset(b"0123456789abcdefABCDEF")


def key_of(secret: str) -> bytes:
    """The key from a secret: 32 hexadecimal digits, or 16 characters; ValueError for anything else."""
    raw = secret.strip().encode()
    key = bytes.fromhex(raw.decode()) if len(raw) == 32 and _HEX.issuperset(raw) else raw
    if len(key) != 16:
        raise ValueError("an SM4 key has 16 bytes: 32 hexadecimal digits or 16 characters")
    return key


def cipher_bytes(content: bytes) -> bytes | None:
    """The cipher text of a data area; None when the area is plain."""
    if not content or b";" in content or b"," in content or len(content) < 22:
        return None
    if _HEX.issuperset(content):
        data = bytes.fromhex(content.decode()) if len(content) % 2 == 0 else b""
    else:
        try:
            data = b64decode(content, validate=True)
        except binascii.Error:
            return None
    return data if data and len(data) % 16 == 0 else None


def encrypt(key: bytes, content: bytes) -> bytes:
    """A data area as hexadecimal cipher text."""
    padded = content + b"\x00" * (-len(content) % 16)
    encryptor = Cipher(SM4(key), ECB()).encryptor()
    return (encryptor.update(padded) + encryptor.finalize()).hex().upper().encode()


def decrypt(key: bytes, data: bytes) -> bytes | None:
    """The data area; None when the key is not the one that it was made with (no field is readable then)."""
    decryptor = Cipher(SM4(key), ECB()).decryptor()
    plain = (decryptor.update(data) + decryptor.finalize()).rstrip(b"\x00 ")
    pad = plain[-1:]
    if pad and pad[0] <= 16 and plain.endswith(pad * pad[0]):  # some fill as PKCS#7 does
        plain = plain[: -pad[0]]
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return plain if (not plain or "=" in text) and (not text or text.replace("\n", "").isprintable()) else None
