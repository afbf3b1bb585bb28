"""Devices by name, and how many of them a finding is made for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding, Severity
from warehouse.gaps import device_columns

SINGLE = 10  # so many devices have a finding each; more are one finding that names the first of them


class Names:
    """Names of devices by the hash that the scan keeps; a personal one is shown by a digest only."""

    def __init__(self, con: duckdb.DuckDBPyConnection, spec: FeedSpec, table: str, device: str) -> None:
        self._con, self._spec, self._table, self._device = con, spec, table, device
        self._columns = device_columns(spec)

    def of(self, devices: Sequence[Any]) -> dict[Any, str]:
        """Hash, or the columns that name a device → its name."""
        plain = {id(item): self._text(item) for item in devices if isinstance(item, dict)}
        hashes = [item for item in devices if not isinstance(item, dict)]
        rows = self._con.execute(
            f"SELECT hash({self._device}), {self._device} FROM {self._table}"
            f" WHERE hash({self._device}) IN (SELECT unnest($wanted::UBIGINT[])) GROUP BY ALL",
            {"wanted": hashes},
        ).fetchall() if hashes else []  # fmt: skip
        known = {row[0]: self._text(dict(zip(self._columns, row[1:], strict=True))) for row in rows}
        return {self._key(item): plain.get(id(item)) or known.get(item, "?") for item in devices}

    @staticmethod
    def _key(item: Any) -> Any:
        return id(item) if isinstance(item, dict) else item

    def _text(self, values: dict[str, object]) -> str:
        return "/".join(
            str(value)
            if self._spec.fields[name].personal == "no"
            else hashlib.sha256(str(value).encode()).hexdigest()[:12]
            for name, value in values.items()
        )


def told(kind: str, severity: Severity, what: str, items: Sequence[tuple[Any, str]], names: Names) -> Iterator[Finding]:
    """Findings for devices: one each, or one for all of them where they are many."""
    known = names.of([device for device, _ in items[:SINGLE]])
    first = [(known[names._key(device)], said) for device, said in items[:SINGLE]]
    if len(items) <= SINGLE:
        for name, said in first:
            yield Finding(kind, severity, f"{name}: {what}: {said}", name, observed=said)
        return
    some = "; ".join(f"{name} ({said})" for name, said in first[:5])
    yield Finding(kind, severity, f"{len(items)} devices: {what}: {some} …", row_count=len(items))
