"""What consumers say that they took: one small file a receipt, named by what it says, so that one sent twice is one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cityhub.files import read_json, write_json


@dataclass(frozen=True)
class Receipt:
    """What one consumer took of one dataset. `matches`: whether the sha256 is that of a file of the dataset in this
    sequence, or of its manifest; `at`: when it came first."""

    id: str
    at: str
    key: str
    name: str
    dataset: str
    sequence: int
    sha256: str
    rows_accepted: int
    rows_rejected: int
    matches: bool
    note: str | None = None


def keep(folder: Path, receipt: Receipt) -> tuple[Receipt, bool]:
    """Write a receipt, synced before it is answered; the one that is there and False when it came before."""
    path = folder / f"{receipt.sequence:06d}" / f"{receipt.id}.json"
    found = read_json(path)
    if found is not None:
        return Receipt(**found), False
    write_json(path, asdict(receipt), sync=True)
    return receipt, True


def identity(key: str, content: dict[str, Any]) -> str:
    """The id of what a key says."""
    return sha256(json.dumps([key, content], sort_keys=True, ensure_ascii=False).encode()).hexdigest()
