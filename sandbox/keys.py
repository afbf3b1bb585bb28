"""Secrets and addresses of a sandbox: random for each home, the same for the same seed and home."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Keys:
    """Makes secret values; knows nothing of what they open."""

    seed: int
    home: Path

    def value(self, name: str) -> str:
        """The secret of this name, 32 characters."""
        return hashlib.sha256(f"{self.seed}|{self.home.resolve()}|{name}".encode()).hexdigest()[:32]


def write(folder: Path, values: Mapping[str, str]) -> None:
    """One file a name, readable by the owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, value in values.items():
        path = folder / name
        path.write_text(value + "\n", encoding="utf-8")
        path.chmod(0o600)
