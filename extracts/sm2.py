"""A second signature for consumers who ask for national algorithms: SM2 with SM3 (GB/T 32918, GB/T 32905).

It is made where the installation has a pair of keys: the secret `extract_sm2_key`, 192 hexadecimal digits, private key
(32 bytes) and public key (64 bytes, X and Y). The signature is DER, over the bytes of the manifest and the default
identity of the standard. It is another one each time, so it is no part of what makes two extracts the same.

The package gmssl_pyx (a binding of GmSSL) is loaded where it is needed and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from cityhub.errors import Stop
from cityhub.secrets import keep_own, own, remember
from cityhub.settings import Settings
from extracts.sign import key_id, public_keys

NAME = "extract_sm2_key"
SUFFIX = ".sm2"
PRIVATE, PUBLIC = 32, 64


def library() -> ModuleType:
    """Raises `Stop` CH-EXT-010 where it is not installed."""
    try:
        import gmssl_pyx
    except ImportError:
        raise Stop("CH-EXT-010") from None
    found: ModuleType = gmssl_pyx
    return found


def available() -> bool:
    """Whether signatures can be made and checked here."""
    try:
        library()
    except Stop:
        return False
    return True


def make_key(settings: Settings) -> str:
    """A pair of keys for this installation, unless it has one; the id of its public key. Extracts from now on are
    signed with it as well."""
    found = pair(settings)
    if found is None:
        public, private = library().sm2_key_generate()
        keep_own(settings.home, NAME, (private + public).hex())
        found = private, public
    return key_id(found[1])


def pair(settings: Settings) -> tuple[bytes, bytes] | None:
    """Private and public key; None where the installation has none: then nothing is signed with SM2. Raises `Stop`
    CH-EXT-007 for what is no key."""
    text = own(settings.home, NAME)
    if text is None:
        return None
    remember(text)
    try:
        body = bytes.fromhex(text)
    except ValueError:
        body = b""
    if len(body) != PRIVATE + PUBLIC:
        raise Stop("CH-EXT-007", problem=f"{NAME} is not {2 * (PRIVATE + PUBLIC)} hexadecimal digits")
    return body[:PRIVATE], body[PRIVATE:]


def sign(body: bytes, keys: tuple[bytes, bytes]) -> bytes:
    """A DER signature by SM2 over SM3."""
    private, public = keys
    found: bytes = library().sm2_sign(private, public, body)
    return found


def verify(body: bytes, signature: bytes, public: bytes) -> bool:
    """Whether it is that key's signature of these bytes."""
    gmssl = library()
    try:
        return bool(gmssl.sm2_verify(public, body, signature))
    except (gmssl.GmsslInnerError, ValueError):
        return False


def demand(body: bytes, signature: bytes | None, public: bytes, what: str) -> None:
    """Raise `Stop` CH-CLIENT-012 where that key's signature of these bytes is not there, CH-EXT-010 where nobody can
    tell."""
    library()
    if not signature:
        raise Stop("CH-CLIENT-012", what=what, problem="it has none")
    if not verify(body, signature, public):
        raise Stop("CH-CLIENT-012", what=what, problem=f"what it has is not one of SM2 key {key_id(public)}")


def signed_by(root: Path, body: bytes, signature: bytes) -> str | None:
    """The id of the published key whose signature it is; None for nobody's."""
    return next((name for name, key in public_keys(root, SUFFIX).items() if verify(body, signature, key)), None)
