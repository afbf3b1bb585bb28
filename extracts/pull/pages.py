"""Pages of rows or changes on their way into a copy: on disk, so that a kill costs one page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cityhub.files import read_json, write_json, write_text

Json = dict[str, Any]
META = "pages.json"


def collect(folder: Path, request: Json, ask: Callable[[str | None], Json]) -> Json:
    """All pages of a request as `000001.ndjson` … in a folder; the last page without its items.

    `ask` gives the page behind a cursor. What an earlier run of the same request left there is gone on with.
    """
    known = read_json(folder / META)
    if known is None or known["request"] != request:
        forget(folder)
        known = {"request": request, "pages": 0, "next": None, "last": None}
    while known["last"] is None or known["next"] is not None:
        page = ask(known["next"])
        number = int(known["pages"]) + 1
        lines = [json.dumps(item, ensure_ascii=False) for item in page.pop("items")]
        write_text(folder / f"{number:06d}.ndjson", "\n".join(lines) + "\n" * bool(lines))
        known = {"request": request, "pages": number, "next": page["next"], "last": page}
        write_json(folder / META, known)
    last: Json = known["last"]
    return last


def forget(folder: Path) -> None:
    """Take the pages away."""
    shutil.rmtree(folder, ignore_errors=True)
