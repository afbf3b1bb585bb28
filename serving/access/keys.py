"""API keys of consumers: made once, shown once, kept as a hash; each expires, can be revoked and be rotated.

A key is 256 random bits, so one SHA-256 of it is enough to keep: nobody can guess it, and a copy of `keys.json` opens
nothing. The file is replaced in one rename and readable by its user only; the service sees a change at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets as random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cityhub.clock import now
from cityhub.errors import Stop, Usage
from cityhub.files import write_text
from cityhub.secrets import remember
from cityhub.settings import Settings
from serving.access.scope import Scope
from warehouse.lake import lock

FILE = "keys.json"
PREFIX = "chk"  # so that people and scanners of leaked secrets know one by its looks
SHAPE = re.compile(r"chk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"[\w.@-]{1,64}")


@dataclass(frozen=True)
class Key:
    """One key without its secret. Moments are ISO 8601 texts with offset. `rate`: requests a second, None for the
    service's own; `public_key`: Ed25519 (base64), where each request must be signed by RFC 9421; `replaces`: the id of
    the key that it was rotated from."""

    id: str
    name: str
    sha256: str
    scope: Scope
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    replaces: str | None = None
    rate: float | None = None
    public_key: str | None = None
    gov: bool = field(default=False)

    def state(self, moment: datetime) -> str:
        """`active`, `expired` or `revoked` at a moment."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= moment
        return "expired" if expired else "active"


def path_of(settings: Settings) -> Path:
    """Where the keys are kept."""
    return settings.home / FILE


def read(path: Path) -> tuple[Key, ...]:
    """All keys, oldest first; none where there is no file. Raises `Stop` CH-SERVE-020 for a damaged file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return _parsed(path, found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _parsed(path: Path, _inode: int, _changed: int, _bytes: int) -> tuple[Key, ...]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))["keys"]
        return tuple(Key(**{**item, "scope": _scope(item["scope"])}) for item in content)
    except (ValueError, KeyError, TypeError) as error:
        raise Stop("CH-SERVE-020", file=str(path), problem=type(error).__name__) from None


def _scope(item: dict[str, list[str]]) -> Scope:
    return Scope(tuple(item["datasets"]), tuple(item["units"]), tuple(item["periods"]))


def find(keys: Sequence[Key], presented: str) -> Key | None:
    """The key that a caller presented, whatever its state; compared in constant time."""
    match = SHAPE.fullmatch(presented)
    digest = sha256(presented)
    found = None
    for key in keys:
        if match and key.id == match[1] and hmac.compare_digest(key.sha256, digest):
            found = key
    return found


def by_id(keys: Sequence[Key], identity: str) -> Key | None:
    """The key of an id, whatever its state."""
    return next((key for key in keys if key.id == identity), None)


def create(
    settings: Settings,
    name: str,
    scope: Scope,
    *,
    expires: datetime | None = None,
    rate: float | None = None,
    public_key: str | None = None,
    gov: bool = False,
) -> tuple[Key, str]:
    """Make a key for a consumer; gives it and its secret text, which is kept nowhere.

    Raises `Usage` CH-SERVE-021 for a name that is none, `Stop` CH-SERVE-022 where an active key has the name.
    """
    if not NAME.fullmatch(name):
        raise Usage("CH-SERVE-021", name=name[:80])
    with _changing(settings) as keys:
        if any(key.name == name and key.state(now()) == "active" for key in keys):
            raise Stop("CH-SERVE-022", name=name)
        key, secret = _new(name, scope, expires=expires, rate=rate, public_key=public_key, gov=gov)
        keys.append(key)
    return key, secret


def revoke(settings: Settings, which: str) -> list[Key]:
    """Revoke the key of an id, or all keys of a name, from now on. Raises `Stop` CH-SERVE-023 when there is none."""
    with _changing(settings) as keys:
        hit = [key for key in _named(keys, which) if key.revoked_at is None]
        for key in hit:
            keys[keys.index(key)] = replace(key, revoked_at=now().isoformat(timespec="seconds"))
    return hit


def rotate(settings: Settings, which: str, overlap: timedelta) -> tuple[Key, str]:
    """A new key with the scope of an active one, which stays good for the overlap and not longer.

    Raises `Stop` CH-SERVE-023 when no active key has that id or name.
    """
    with _changing(settings) as keys:
        active = [key for key in _named(keys, which) if key.state(now()) == "active"]
        if not active:
            raise Stop("CH-SERVE-023", name=which[:80])
        old = active[-1]
        lifetime = None
        if old.expires_at is not None:
            lifetime = datetime.fromisoformat(old.expires_at) - datetime.fromisoformat(old.created_at)
        key, secret = _new(
            old.name,
            old.scope,
            expires=now() + lifetime if lifetime else None,
            rate=old.rate,
            public_key=old.public_key,
            gov=old.gov,
            replaces=old.id,
        )
        end = now() + overlap
        for previous in active:
            known = previous.expires_at
            if known is None or datetime.fromisoformat(known) > end:
                keys[keys.index(previous)] = replace(previous, expires_at=end.isoformat(timespec="seconds"))
        keys.append(key)
    return key, secret


def sha256(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _new(
    name: str,
    scope: Scope,
    *,
    expires: datetime | None,
    rate: float | None,
    public_key: str | None,
    gov: bool,
    replaces: str | None = None,
) -> tuple[Key, str]:
    identity = random.token_hex(6)
    secret = f"{PREFIX}_{identity}_{random.token_urlsafe(32)}"
    remember(secret)
    key = Key(
        id=identity,
        name=name,
        sha256=sha256(secret),
        scope=scope,
        created_at=now().isoformat(timespec="seconds"),
        expires_at=expires.isoformat(timespec="seconds") if expires else None,
        replaces=replaces,
        rate=rate,
        public_key=public_key,
        gov=gov,
    )
    return key, secret


def _named(keys: Sequence[Key], which: str) -> list[Key]:
    found = [key for key in keys if which in (key.id, key.name)]
    if not found:
        raise Stop("CH-SERVE-023", name=which[:80])
    return found


@contextmanager
def _changing(settings: Settings) -> Iterator[list[Key]]:
    """The keys as a list to change; what it holds at the end is written whole, under one lock."""
    path = path_of(settings)
    with lock(settings, "keys"):
        keys = list(read(path))
        yield keys
        text = json.dumps({"keys": [asdict(key) for key in keys]}, ensure_ascii=False, indent=1) + "\n"
        write_text(path, text, mode=0o600, sync=True)
