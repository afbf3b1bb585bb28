"""Observation never fails the observed: what goes wrong in it is logged and counted, once per kind and process."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from cityhub import log
from cityhub.errors import HubError

logger = log.get("cityhub.observe")
failures: Counter[str] = Counter()
EXPECTED = (OSError, ValueError, KeyError, TypeError, RuntimeError, duckdb.Error, HubError)


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """Run the block; a disk that is full or a warehouse that is away costs its result, not the night."""
    try:
        yield
    except EXPECTED as error:
        failures[what] += 1
        if failures[what] == 1:
            detail = str(error).splitlines()[0] if str(error) else ""
            log.event(
                logger,
                "not_observed",
                level=logging.WARNING,
                what=what,
                error=type(error).__name__,
                detail=detail[:300],
            )
