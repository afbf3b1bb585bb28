"""Where a change happens: a warehouse with its specs, indicator definitions and scoring rules; real, or a shadow."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cityhub.errors import Stop
from cityhub.files import write_bytes
from cityhub.settings import Settings
from indicators import definitions
from scoring import policy, scheme
from scoring.month import SCHEME

KINDS = ("specs", "schemes", "indicators")
POLICY = "digital"


@dataclass(frozen=True)
class Ground:
    """`settings.feeds` holds the specs; the other two folders hold rules as YAML files."""

    settings: Settings
    schemes: Path
    indicators: Path

    def folder(self, kind: str) -> Path:
        """The folder of `specs`, `schemes` or `indicators`."""
        return {"specs": self.settings.feeds, "schemes": self.schemes, "indicators": self.indicators}[kind]

    def rules(self) -> tuple[scheme.Scheme, policy.DigitalPolicy]:
        """Scheme and digital-city policy in force here."""
        read = scheme.read(self.schemes / f"{SCHEME}.yaml")
        return read, scheme.read_model(policy.DigitalPolicy, self.schemes / f"{POLICY}.yaml")


def real(settings: Settings) -> Ground:
    """The installation itself."""
    return Ground(settings, scheme.FOLDER, definitions.FOLDER)


def changed(of: Ground, settings: Settings, files: Mapping[str, bytes]) -> Ground:
    """The ground of a shadow: the installation's own folders, and copies below the shadow's home of those that `files`
    change."""
    folders = {kind: of.folder(kind) for kind in KINDS}
    for kind in sorted({name.split("/")[0] for name in files}):
        folders[kind] = settings.home / "files" / kind
        folders[kind].mkdir(parents=True)
        for path in of.folder(kind).glob("*.yaml"):
            shutil.copy(path, folders[kind])
    made = Ground(replace(settings, feeds=folders["specs"]), folders["schemes"], folders["indicators"])
    install(made, files)
    return made


def install(ground: Ground, files: Mapping[str, bytes]) -> None:
    """Put files (`specs/muck.position.yaml` → content) in their place, each whole or not at all.

    Raises `Stop` CH-PLAN-008 where the folder cannot be written.
    """
    for name, content in files.items():
        kind, file = name.split("/")
        path = ground.folder(kind) / file
        if path.is_file() and path.read_bytes() == content:
            continue
        try:
            write_bytes(path, content)
        except OSError as error:
            raise Stop("CH-PLAN-008", file=str(path), detail=error.strerror or type(error).__name__) from None
        if kind == "schemes":
            scheme.load.cache_clear()
            policy.load.cache_clear()


def digests(ground: Ground) -> dict[str, str]:
    """sha256 of the files of each kind: names and bytes."""
    found: dict[str, str] = {}
    for kind in KINDS:
        total = hashlib.sha256()
        for path in sorted(ground.folder(kind).glob("*.yaml")):
            total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        found[kind] = total.hexdigest()
    return found
