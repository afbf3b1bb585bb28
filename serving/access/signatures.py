"""Signed requests (RFC 9421): a key that names a public key opens nothing without a signature of its owner.

Whoever copies such a key out of a log or a script cannot use it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from http_message_signatures.algorithms import ED25519  # type: ignore[attr-defined]
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import HTTPSignatureKeyResolver
from http_message_signatures.signatures import HTTPMessageVerifier
from http_message_signatures.structures import CaseInsensitiveDict

from cityhub.errors import Unauthorised
from serving.access.keys import Key
from serving.call import target

FRESH = timedelta(minutes=5)
NEEDED = ('"@method"', '"@path"', '"@query"', '"authorization"')  # what a signature must cover
NEEDED_BODY = '"content-digest"'  # … of a request with a body


@dataclass(frozen=True)
class _Message:
    """A request as the verifier reads it."""

    method: str
    url: str
    headers: Mapping[str, str]


class _Known(HTTPSignatureKeyResolver):
    def __init__(self, key: Key) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        if key_id != self.key.id:
            raise HTTPMessageSignaturesException("the signature names another key")
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.key.public_key or ""))


def public_key(pem: bytes) -> str:
    """The raw Ed25519 key of a PEM file as base64; raises `ValueError` for every other file."""
    found = load_pem_public_key(pem)
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return base64.b64encode(found.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def demand(key: Key, scope: Mapping[str, Any], method: str) -> None:
    """Raise `Unauthorised` CH-SERVE-017 unless the request is signed by the key's owner, freshly and as a whole."""
    names = [name.decode("latin-1") for name, _ in scope["headers"]]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    url = f"{scope['scheme']}://{headers.get('host', 'localhost')}{target(scope)}"
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=_Known(key))
    try:
        message = _Message(method, url, CaseInsensitiveDict(headers))  # type: ignore[no-untyped-call]
        found = verifier.verify(message, max_age=FRESH)
    except HTTPMessageSignaturesException as error:
        raise Unauthorised("CH-SERVE-017", problem=_plain(error)) from None
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unauthorised("CH-SERVE-017", problem="the signature's headers cannot be read") from None
    covered = found[0].covered_components
    lacking = [name for name in (*NEEDED, *([NEEDED_BODY] if method == "POST" else [])) if name not in covered]
    if lacking:
        raise Unauthorised("CH-SERVE-017", problem=f"it does not cover {', '.join(lacking)}")
    if any(names.count(name) > 1 for name in ("authorization", "content-digest", "signature", "signature-input")):
        raise Unauthorised("CH-SERVE-017", problem="a header of it stands twice")


def _plain(error: Exception) -> str:
    return str(error)[:120] or "it was not made with the key's private key"
