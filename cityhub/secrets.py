"""Secrets and addresses are named in specs and resolved here: environment, file, then a resolver
that the scheduler registers (Airflow connections and variables). Values never reach a text: `redact`.

A name `muck_app_secret` is looked up as the variable `CITYHUB_MUCK_APP_SECRET`, then as the file
`<secrets folder>/muck_app_secret`, then as `<home>/secrets/muck_app_secret` (where the hub keeps what it makes
for itself), then through the registered resolvers.
"""

from __future__ import annotations

import os
import re
import secrets as random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cityhub.settings import REPOSITORY

Resolver = Callable[[str], str | None]

_resolvers: list[Resolver] = []
_seen: set[str] = set()
_URL_PASSWORD = re.compile(r"(?P<head>[a-zA-Z][\w+.-]*://[^/\s:@]*:)[^@\s/]+(?=@)")
_TOKEN_PAIR = re.compile(
    r"(?i)(?P<head>\b(?:authorization|password|passwd|pwd|secret|token|signature|sign|app_?key|api_?key)"
    r"\b[\"']?\s*[=:]\s*[\"']?(?:Bearer\s+|Basic\s+)?)[^\s\"'&,;)]+"
)


def register_resolver(resolver: Resolver) -> None:
    """Add a look-up that is asked after environment and files; once each."""
    if resolver not in _resolvers:
        _resolvers.append(resolver)


@contextmanager
def lent(name: str, value: str) -> Iterator[None]:
    """A value for a name that nothing else knows, for the time of a block: a preview before the hub has its key."""

    def resolver(asked: str) -> str | None:
        return value if asked == name else None

    _resolvers.append(resolver)
    try:
        yield
    finally:
        _resolvers.remove(resolver)


def secrets_dir() -> Path:
    """The folder of secret files: `CITYHUB_SECRETS`, else `<home>/secrets`."""
    return Path(os.environ.get("CITYHUB_SECRETS") or own_dir())


def own_dir() -> Path:
    """The folder of secrets that the hub makes for itself."""
    return Path(os.environ.get("CITYHUB_HOME") or REPOSITORY / "var") / "secrets"


def ensure_own(folder: Path, name: str) -> None:
    """Make a random secret of this installation once, readable by its user only; the value is returned nowhere."""
    if lookup(name) is None and not _own_file(folder, name).exists():
        keep_own(folder, name, random.token_hex(32))


def keep_own(folder: Path, name: str, value: str) -> None:
    """Keep a secret of this installation; nobody but its user reads the file, not even for the moment of writing.
    Raises `FileExistsError` where there is one of that name."""
    path = _own_file(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(value)


def own(folder: Path, name: str) -> str | None:
    """A secret as it is looked up, else as this installation keeps it; None where there is none."""
    path = _own_file(folder, name)
    return lookup(name) or (path.read_text(encoding="utf-8").strip() if path.is_file() else None)


def _own_file(folder: Path, name: str) -> Path:
    return folder / "secrets" / name


def lookup(name: str) -> str | None:
    """The value of a named address or secret, or None where nothing knows it."""
    value = os.environ.get(f"CITYHUB_{name.upper()}")
    for folder in (secrets_dir(), own_dir()):
        if value is None:
            path = folder / name
            value = path.read_text(encoding="utf-8").strip() if path.is_file() else None
    for resolver in _resolvers:
        if value is None:
            value = resolver(name)
    return value


def secret(name: str, **place: object) -> str:
    """The value of a secret, remembered so that `redact` removes it from every text.

    Raises `Stop` CH-CONF-001 that names the secret and the three places looked at, never a value.
    """
    value = address(name, **place)
    if len(value) >= 4:
        _seen.add(value)
    return value


def address(name: str, **place: object) -> str:
    """The value of a named address (no secret); raises `Stop` CH-CONF-001 when nothing knows the name."""
    value = lookup(name)
    if value is None:
        from cityhub.errors import Stop

        raise Stop(
            "CH-CONF-001",
            name=name,
            variable=f"CITYHUB_{name.upper()}",
            file=str(secrets_dir() / name),
            **place,
        )
    return value


def remember(value: str) -> None:
    """Note a value obtained at run time (an access token) for redaction."""
    if len(value) >= 4:
        _seen.add(value)


def redact(text: str) -> str:
    """The text with every known secret, URL password and `token=`-like pair replaced by `***`."""
    for value in sorted(_seen, key=len, reverse=True):
        text = text.replace(value, "***")
    text = _URL_PASSWORD.sub(r"\g<head>***", text)
    return _TOKEN_PAIR.sub(r"\g<head>***", text)
