"""A hub that serves its extracts on a free port, with keys, and clients that pull from it without waiting."""

from __future__ import annotations

from typing import Any

from connectors.retry import Policy
from extracts.client import Client
from serving.config import Service
from tests.extracts.shelf import Shelf
from tests.serving import service

QUICK = Policy(sleep=lambda seconds: None)
LIMITS = Service(burst=100_000, failure_burst=100_000)


def served(shelf: Shelf) -> service.served:
    """The service over the shelf for the time of a `with` block; its address."""
    return service.served(shelf.settings, LIMITS)


def key(shelf: Shelf, name: str = "province", *datasets: str, **scope: Any) -> str:
    """A new key; everything where the scope says nothing."""
    return service.key(shelf.settings, name, *datasets, **scope)


def client(url: str, secret: str) -> Client:
    """A client that does not wait between tries."""
    return Client(url, secret, policy=QUICK)
