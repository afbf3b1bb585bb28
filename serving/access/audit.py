"""The log of accesses: one JSON line for every answer below /v1, written before the answer leaves.

No key, no cursor and no body stands in it. A file a month, `audit/2026-11.ndjson`, readable by its user only.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from cityhub.clock import now
from cityhub.errors import Retry
from cityhub.secrets import redact

# What looks like a key is cut wherever a caller put it, as in `?key=…`.
_KEY = re.compile(r"(chk_[0-9a-f]{12}_)[A-Za-z0-9_%-]+")
_CURSOR = re.compile(r"(?i)(cursor=)[^&]*")


class Audit:
    """Appends lines to the file of the month."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = ""
        self._handle = -1

    def write(self, **fields: Any) -> None:
        """Append one line in one write; None values are left out. Raises `Retry` CH-SERVE-015 when it cannot."""
        moment = now()
        line = {"at": moment.isoformat(timespec="milliseconds")}
        line |= {name: _quiet(value) for name, value in fields.items() if value is not None}
        try:
            os.write(self._file(f"{moment:%Y-%m}"), (json.dumps(line, ensure_ascii=False) + "\n").encode())
        except OSError:
            self.close()
            raise Retry("CH-SERVE-015") from None

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._handle >= 0:
            os.close(self._handle)
        self._name, self._handle = "", -1

    def _file(self, month: str) -> int:
        path = self.folder / f"{month}.ndjson"
        if self._name != month or not path.exists():  # the month is over, or somebody moved the file away
            self.close()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._name = month
        return self._handle


def _quiet(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return redact(_CURSOR.sub(r"\1***", _KEY.sub(r"\1***", value)))[:400]
