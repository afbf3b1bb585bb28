"""Headers that prove to an upper level who sends, made anew for each try."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives import hashes

from cityhub import clock
from cityhub.errors import Usage
from cityhub.secrets import secret
from cityhub.settings import Settings
from extracts import sign
from extracts.push.template import Bearer, NoSign, Signed, Template


def headers(settings: Settings, template: Template, method: str, path: str, body: bytes) -> dict[str, str]:
    """The headers of one request; raises `Stop` CH-CONF-001 for a secret that nothing knows, `Usage` CH-PUSHUP-002 for
    a text with a name that there is not."""
    rule = template.sign
    if isinstance(rule, NoSign):
        return {}
    if isinstance(rule, Bearer):
        return {"Authorization": f"Bearer {secret(rule.token)}"}
    words = {
        "key": secret(rule.key) if rule.key else "",
        "secret": secret(rule.secret) if rule.secret else "",
        "time": str(int(clock.now().timestamp() * 1000)),
        "method": method,
        "path": path,
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }
    try:
        digest = _digest(settings, rule, rule.text.format_map(words).encode(), words["secret"].encode())
        words["signature"] = digest.hex() if rule.encoding == "hex" else base64.b64encode(digest).decode()
        return {name: text.format_map(words) for name, text in rule.headers.items()}
    except (KeyError, ValueError, IndexError) as error:
        raise Usage("CH-PUSHUP-002", file=f"{template.target}.yaml", detail=f"sign: no name {error}") from None


def _digest(settings: Settings, rule: Signed, text: bytes, key: bytes) -> bytes:
    if rule.hash == "hmac_sha256":
        return hmac.digest(key, text, hashlib.sha256)
    if rule.hash == "ed25519":
        return sign.signer(settings).sign(text)
    if rule.hash == "sm3":
        made = hashes.Hash(hashes.SM3())
        made.update(text)
        return made.finalize()
    return hashlib.new(rule.hash, text).digest()
