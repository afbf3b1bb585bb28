"""Devices that a registry feed knows, read from the warehouse now and then on a thread of its own.

A gateway never waits for the warehouse: until the registry has been read once, and while it is empty, every device
counts as known, because a message that is refused for our own trouble would be lost.
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Any

import duckdb

from cityhub import log
from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.names import identifier

logger = log.get("cityhub.sensors")
REFRESH_S = 300.0


class Registry:
    """Rows of a registry's table by one of its columns, as texts. Use as a context manager."""

    def __init__(self, settings: Settings, spec: FeedSpec, key: str, *, refresh_s: float = REFRESH_S) -> None:
        self._settings, self._spec, self._key, self._refresh_s = settings, spec, key, refresh_s
        self._rows: dict[str, dict[str, Any]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"registry {spec.feed}", daemon=True)

    def __enter__(self) -> Registry:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(5)

    def known(self, device: str) -> bool:
        """Whether the registry has the device; leading zeros do not count."""
        return not self._rows or device.lstrip("0") in self._rows

    def value(self, device: str, column: str) -> str | None:
        """A column of a device's row; None for an unknown device and where the registry says nothing."""
        found = self._rows.get(device.lstrip("0"), {}).get(column)
        return None if found is None else str(found)

    def read(self) -> None:
        """Read the table now."""
        con = lake.connect(self._settings)
        try:
            found = con.execute(f"SELECT * FROM {identifier(self._spec.table)}")
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        finally:
            con.close()
        self._rows = {str(row[self._key]).lstrip("0"): row for row in rows if row[self._key] is not None}

    def _run(self) -> None:
        while True:
            try:
                self.read()
            except (HubError, duckdb.Error, OSError) as error:
                detail = str(error).splitlines()[0]
                log.event(logger, "registry_unread", level=logging.WARNING, feed=self._spec.feed, detail=detail)
            if self._stop.wait(self._refresh_s):
                return
