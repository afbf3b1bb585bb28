"""The personal key in a backup: only when asked, and only under a passphrase (scrypt, AES-256-GCM)."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cityhub.errors import Usage
from cityhub.secrets import lookup, remember
from warehouse.personal.key import NAME

PASSPHRASE = "backup_passphrase"
COST = {"n": 2**15, "r": 8, "p": 1}
MARK = b"cityhub own keys"
SHORTEST = 12


def seal(key: str, passphrase: str) -> dict[str, Any]:
    """A key as texts that tell nothing without the passphrase; `Usage` CH-BACKUP-011 when that is short."""
    if len(passphrase) < SHORTEST:
        raise Usage("CH-BACKUP-011", problem=f"the passphrase has fewer than {SHORTEST} characters")
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_derived(passphrase, salt, COST)).encrypt(nonce, key.encode(), MARK)
    return {
        "name": NAME, "kdf": "scrypt", **COST, "cipher": "AES-256-GCM",
        "salt": b64encode(salt).decode(), "nonce": b64encode(nonce).decode(), "sealed": b64encode(sealed).decode(),
    }  # fmt: skip


def unseal(sealed: dict[str, Any], passphrase: str) -> str:
    """The key of a backup; `Usage` CH-BACKUP-011 for another passphrase or changed bytes."""
    cost = {name: int(sealed[name]) for name in COST}
    derived = _derived(passphrase, b64decode(sealed["salt"]), cost)
    try:
        key = AESGCM(derived).decrypt(b64decode(sealed["nonce"]), b64decode(sealed["sealed"]), MARK).decode()
    except InvalidTag:
        raise Usage("CH-BACKUP-011", problem="the passphrase is not the one of this backup") from None
    remember(key)
    return key


def passphrase() -> str:
    """The passphrase by its name `backup_passphrase`; `Usage` CH-BACKUP-011 when nobody has it."""
    found = lookup(PASSPHRASE)
    if not found:
        raise Usage("CH-BACKUP-011", problem=f"there is no secret {PASSPHRASE}")
    remember(found)
    return found


def _derived(text: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(text.encode())
