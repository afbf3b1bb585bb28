"""A shelf of sites and the service over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.extracts.shelf import Shelf
from tests.serving.service import Client, key


@dataclass(frozen=True)
class Layers:
    """The service over a shelf of sites; `client` may read everything."""

    shelf: Shelf
    client: Client

    def client_of(self, name: str, *datasets: str, **more: Any) -> Client:
        """A client with a new key of this scope."""
        return replace(self.client, key=key(self.shelf.settings, name, *datasets, **more))
