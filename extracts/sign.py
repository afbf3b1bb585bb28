"""The signature of an extract: Ed25519 over the bytes of its manifest.

The key is a secret of the installation, made once: the variable CITYHUB_EXTRACT_KEY or the file `secrets/extract_key`
hold its 32 bytes as hexadecimal digits. Public keys stay in `extracts/keys/`, so that what an earlier key signed can be
checked after the key was changed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cityhub.errors import Stop
from cityhub.files import keep_text
from cityhub.secrets import ensure_own, own, remember
from cityhub.settings import Settings

NAME = "extract_key"
KEYS = "keys"
SUFFIX = ".ed25519"


@dataclass(frozen=True)
class Signer:
    """A private key; `public`: 32 raw bytes; `key_id`: sixteen hexadecimal digits that name the pair."""

    private: Ed25519PrivateKey
    public: bytes
    key_id: str

    def sign(self, body: bytes) -> bytes:
        """64 bytes; the same for the same body."""
        return self.private.sign(body)


def key_id(public: bytes) -> str:
    """What a public key is called."""
    return hashlib.sha256(public).hexdigest()[:16]


def signer(settings: Settings) -> Signer:
    """The installation's key, made when there is none; raises `Stop` CH-EXT-007 for one that is no key."""
    ensure_own(settings.home, NAME)
    text = own(settings.home, NAME) or ""
    remember(text)
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise Stop("CH-EXT-007", problem="it is not 64 hexadecimal digits")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return Signer(private, public, key_id(public))


def verify(body: bytes, signature: bytes, public: bytes) -> bool:
    """Whether the signature is that key's over these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, body)
    except (InvalidSignature, ValueError):
        return False
    return True


def publish_key(root: Path, public: bytes, kind: str = SUFFIX) -> None:
    """Keep a public key beside the extracts, by its id; `kind` ends the name of its file."""
    keep_text(root / KEYS / f"{key_id(public)}{kind}", base64.b64encode(public).decode() + "\n")


def public_keys(root: Path, kind: str = SUFFIX) -> dict[str, bytes]:
    """Key id → public key, of all keys of this kind that ever signed here."""
    found = {}
    for path in sorted((root / KEYS).glob(f"*{kind}")):
        public = base64.b64decode(path.read_text(encoding="utf-8"))
        found[key_id(public)] = public
    return found
