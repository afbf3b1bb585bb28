"""Whether a call carries the identity that the spec declares, judged with the planted secrets."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Mapping

from cityhub import secrets
from cityhub.spec.source import Auth, BasicAuth, BearerAuth, LoginAuth, SignatureAuth
from conformance.stand.envelope import plant
from connectors.rest_auth import sign


class Door:
    """The source's side of an identity. One token is given out, at the first login."""

    def __init__(self, auth: Auth) -> None:
        self.auth = auth
        self.token = f"tok-{random.token_hex(12)}"

    def logs_in_at(self) -> str | None:
        """The path of the login call, where there is one."""
        return self.auth.path if isinstance(self.auth, LoginAuth) else None

    def login(self, fields: Mapping[str, object]) -> object | None:
        """The answer to a login call; None refuses it."""
        auth = self.auth
        if not isinstance(auth, LoginAuth):
            return None
        wanted = (secrets.lookup(auth.user), secrets.lookup(auth.password))
        if (fields.get(auth.user_field), fields.get(auth.password_field)) != wanted:
            return None
        answer: object = plant({}, auth.token_at, self.token)
        return plant(answer, auth.expires_at, 3600) if auth.expires_at else answer

    def opens(self, headers: Mapping[str, str]) -> bool:
        """Whether a data call is let in."""
        auth = self.auth
        if isinstance(auth, BasicAuth):
            pair = f"{secrets.lookup(auth.user)}:{secrets.lookup(auth.password)}"
            return headers.get("Authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"
        if isinstance(auth, BearerAuth):
            return headers.get(auth.header) == f"{auth.prefix}{secrets.lookup(auth.token)}"
        if isinstance(auth, LoginAuth):
            return headers.get(auth.header) == f"{auth.prefix}{self.token}"
        if isinstance(auth, SignatureAuth):
            key, moment = secrets.lookup(auth.app_key) or "", headers.get(auth.time_header, "")
            signed = sign(auth.algorithm, key, moment, secrets.lookup(auth.secret) or "")
            return (headers.get(auth.key_header), headers.get(auth.sign_header)) == (key, signed)
        return True
