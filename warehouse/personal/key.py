"""The key of the personal hash, known by its fingerprint: a lost or changed key is noticed before anything is hashed.

With another key the same caller becomes another text, so a person would silently count twice. The warehouse keeps
the fingerprint under which its hashes were made, each protected delivery that of its own; neither tells the key.
"""

from __future__ import annotations

import hashlib

import duckdb

from cityhub.errors import Stop
from cityhub.secrets import lookup, secret
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.prepared import stamp, stamps

NAME = "personal_key"
PART = "personal_key"


def key_of(spec: FeedSpec) -> str:
    """The key itself; raises `Stop` CH-CONF-001 when nobody has it."""
    return secret(NAME, feed=spec.feed)


def fingerprint(key: str) -> str:
    """Sixteen hexadecimal digits that tell one key from another and nothing else."""
    return hashlib.sha256(f"cityhub personal key {key}".encode()).hexdigest()[:16]


def is_personal(spec: FeedSpec) -> bool:
    """Whether the feed has fields that are protected."""
    return any(field.personal != "no" for field in spec.fields.values())


def hashes(spec: FeedSpec) -> bool:
    """Whether the feed has fields that need the key."""
    return any(field.personal == "hash" for field in spec.fields.values())


def note(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write down the fingerprint of the key that is used from now on, where none stands yet."""
    key = lookup(NAME)
    if key is not None and PART not in stamps(con):
        with lake.write(con, settings, "fingerprint of the personal key"):
            stamp(con, PART, fingerprint(key))


def check(con: duckdb.DuckDBPyConnection, spec: FeedSpec, *, used: str | None = None) -> None:
    """Raise `Stop` CH-PERS-001 when the key in use, or the one `used` for a delivery, is not that of the warehouse.

    Feeds without hashed fields do not mind.
    """
    known = stamps(con).get(PART) if hashes(spec) else None
    if known is None:
        return
    found = used or fingerprint(key_of(spec))
    if found != known:
        raise Stop("CH-PERS-001", feed=spec.feed, known=known, found=found)


def accept(con: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[str | None, str]:
    """Take the present key as the warehouse's from now on (a rotation); gives the old and the new fingerprint."""
    before = stamps(con).get(PART)
    now = fingerprint(secret(NAME))
    if now != before:
        with lake.write(con, settings, "another personal key"):
            stamp(con, PART, now)
    return before, now
