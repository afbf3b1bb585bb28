"""From an address to a draft: look at the source, compose the spec, compute its examples with the real mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.clock import yesterday
from cityhub.draft import template as templates
from cityhub.draft import words as synonyms
from cityhub.draft.compose import compose
from cityhub.draft.sample import Sample
from cityhub.draft.text import text
from cityhub.errors import Usage
from cityhub.files import write_text
from cityhub.secrets import lookup, secrets_dir
from cityhub.settings import Settings
from cityhub.spec.todo import todos
from connectors.look.stub import without_secrets
from flow.draft_examples import fill

_DATABASE = re.compile(r"(?i)^(postgres(ql)?|mysql|mariadb|sqlite|oracle|mssql|dm|db2)(\+\w+)?://")


@dataclass(frozen=True)
class Asked:
    """What was asked for. `user`, `password`, `token` are names of secrets."""

    address: str
    feed: str | None = None
    template: str | None = None
    table: str | None = None
    pattern: str | None = None
    sheet: str | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None
    messages: int = 20
    seconds: float = 30
    day: date | None = None


@dataclass(frozen=True)
class Drafted:
    """What came out; `open` are the paths that a person must fill, `refused` reason → records of the sample that the
    draft would refuse, `secrets` name → where its value belongs."""

    feed: str
    path: Path
    rows: int
    fields: int
    guesses: int
    open: tuple[str, ...]
    refused: Mapping[str, int] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def draft(settings: Settings, asked: Asked, out: Path | None, *, force: bool = False) -> Drafted:
    """Write the draft of a feed to `out`, else `feeds/drafts/<feed>.yaml`; raises `Usage` CH-DRAFT-007 for a file that
    is there already, and what looking at the source raises."""
    form = templates.template(settings.feeds, asked.template) if asked.template else None
    first = asked.feed or (form.data["feed"] if form else "draft.unnamed")
    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", first):
        raise Usage("CH-DRAFT-008", feed=first)
    sample = look(asked, first, form)
    feed = first if first != "draft.unnamed" else f"draft.{_slug(sample.name)}"
    path = out or settings.feeds / "drafts" / f"{feed}.yaml"
    if path.exists() and not force:
        raise Usage("CH-DRAFT-007", file=str(path))
    words = synonyms.load(settings.feeds)
    made = compose(feed, sample, words, form)
    if asked.feed is None and form is None:
        made.guess("choose platform.kind and give this file that name", "feed")
    refused = fill(made, sample, asked.day or yesterday())
    needed = _secrets(made.data["source"], str(secrets_dir()))
    open_places = tuple(".".join(map(str, where)) for where in todos(made.data))
    write_text(path, text(made, _heading(feed, len(sample.rows), needed)), sync=True)
    guesses = sum(note.startswith("guess") for note in made.notes.values())
    return Drafted(
        feed, path, len(sample.rows), len(made.data["fields"]), guesses, open_places, dict(refused), needed
    )  # fmt: skip


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return slug if slug and slug[0].isalpha() else f"feed_{slug}".rstrip("_")


def look(asked: Asked, feed: str, form: templates.Template | None) -> Sample:
    """The sample of whatever the address is."""
    day = asked.day or yesterday()
    known: dict[str, Any] = {}
    address = without_secrets(asked.address, feed)
    kind = kind_of(address)
    if form is not None and form.data.get("source", {}).get("kind") == kind:
        known = {key: value for key, value in form.data["source"].items() if key != "kind"}
        known = _usable(known)
    known |= {key: value for key, value in (("user", asked.user), ("password", asked.password)) if value}
    if asked.sheet:
        known["sheet"] = asked.sheet
    if kind == "rest":
        from connectors.look import rest

        return _with(rest.look(address, day, feed=feed, known=_rest_login(asked, known)), known)
    if kind == "mqtt":
        from sensors import look as mqtt

        return mqtt.look(address, feed=feed, known=known, messages=asked.messages, seconds=asked.seconds)
    if kind == "database":
        from connectors.look import database

        return database.look(address, asked.table, day, feed=feed, known=known)
    from connectors.look import files

    return files.look(address, asked.pattern, day, feed=feed, known=known)


def _usable(known: dict[str, Any]) -> dict[str, Any]:
    """A template's login, where its secrets are there: many vendors need none."""
    login = {**known, **known.get("auth", {})}
    names = [login[key] for key in ("user", "password", "token", "app_key", "secret") if key in login]
    if all(lookup(name) is not None for name in names):
        return known
    return {key: value for key, value in known.items() if key not in {"auth", "user", "password"}}


def kind_of(address: str) -> str:
    """The transport of an address."""
    if re.match(r"(?i)^https?://", address):
        return "rest"
    if re.match(r"(?i)^mqtts?://", address):
        return "mqtt"
    return "database" if _DATABASE.match(address) else "files"


def _rest_login(asked: Asked, known: dict[str, Any]) -> dict[str, Any]:
    """The login of a REST source: a template's kind with our names, a token, or user and password."""
    user, password = known.pop("user", None), known.pop("password", None)
    auth = dict(known.get("auth", {}))
    if asked.token:
        auth = {"kind": "bearer", "token": asked.token}
    elif user and password:
        auth = (auth if {"user", "password"} <= auth.keys() else {"kind": "basic"}) | {
            "user": user,
            "password": password,
        }
    return known | ({"auth": auth} if auth else {})


def _with(sample: Sample, known: Mapping[str, Any]) -> Sample:
    """What the template says of the transport and the look could not see."""
    source = dict(sample.source)
    if "error_when" in known and "error_when" not in source:
        source["error_when"] = known["error_when"]
    notes = {path: why for path, why in sample.notes.items() if path[0] in source}
    return Sample(source, sample.rows, sample.name, notes, sample.types, sample.key, sample.total)


def _secrets(source: Any, folder: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """The secrets that a source names and that nothing knows yet: name → where the value belongs."""
    found = {} if found is None else found
    names = {"user", "password", "token", "app_key", "secret", "host_key"}
    for key, value in source.items() if isinstance(source, Mapping) else ():
        if isinstance(value, Mapping):
            _secrets(value, folder, found)
        elif key in names and isinstance(value, str) and lookup(value) is None:
            found[value] = f"{folder}/{value} (or the variable CITYHUB_{value.upper()})"
    return found


def _heading(feed: str, rows: int, needed: Mapping[str, str]) -> list[str]:
    lines = [
        f"Draft of {feed}, made from {rows} records. `# guess:` says why something stands as it does: correct it",
        "where it is wrong. Some places are left to you alone. The hub does not use this file until it is activated:",
        f"  cityhub feed check feeds/drafts/{feed}.yaml",
    ]
    return [*lines, *(f"Secret {name}: put its value into {where}" for name, where in needed.items())]
