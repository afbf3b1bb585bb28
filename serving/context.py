"""What all routes share, made once when the service starts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import Request

from cityhub.errors import Stop, Unauthorised
from cityhub.settings import Settings
from extracts.datasets import DATASETS, Dataset
from serving.access.audit import Audit
from serving.access.keys import Key
from serving.call import CALL
from serving.config import Service
from serving.counters import Counters
from serving.cursors import Cursors
from serving.shelf import Held, Shelf


@dataclass(frozen=True)
class Context:
    """The parts of one running service."""

    settings: Settings
    limits: Service
    shelf: Shelf
    cursors: Cursors
    audit: Audit
    counters: Counters
    builders: asyncio.Semaphore  # few pages are made at once: each takes memory, and the machine has few cores


def key_of(request: Request) -> Key:
    """The key that the request came with; the edge has looked at it."""
    key: Key | None = request.scope[CALL].key
    if key is None:
        raise Unauthorised("CH-SERVE-001", problem="there is no header Authorization")
    return key


def dataset_of(request: Request, identity: str) -> Dataset:
    """The dataset of an id that the key may read; raises `Stop` CH-SERVE-007 or 004."""
    dataset = DATASETS.get(identity)
    if dataset is None:
        raise Stop("CH-SERVE-007", what="dataset", value=identity[:60])
    if not readable(key_of(request), dataset):
        raise Stop("CH-SERVE-004", dataset=dataset.id)
    return dataset


def readable(key: Key, dataset: Dataset) -> bool:
    """Whether the key's scope holds the dataset."""
    return key.scope.dataset(dataset)


def visible(shelf: Shelf, key: Key, dataset: Dataset) -> list[Held]:
    """The extracts that hold the dataset and whose period the key may read, oldest first."""
    return [
        held
        for held in shelf.all().values()
        if key.scope.period(held.manifest.period) and any(file.dataset == dataset.id for file in held.manifest.files)
    ]
