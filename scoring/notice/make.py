"""`cityhub report`: the files of a month's notice, from one publication."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import Usage
from cityhub.files import write_bytes
from cityhub.settings import Settings
from scoring.notice import facts, pdf, published, word, workbook
from scoring.notice.compose import compose

FORMATS = ("pdf", "docx", "xlsx")


@dataclass(frozen=True)
class Report:
    """One file that was written."""

    format: str
    path: str
    bytes: int
    sha256: str
    publication: int
    status: str


def report(
    settings: Settings,
    month: str,
    *,
    number: int | None = None,
    formats: Sequence[str] = FORMATS,
    out: Path | None = None,
) -> list[Report]:
    """Write the notice (pdf, docx) and the ranking (xlsx) of a month's newest publication, or of the one named, into
    `out` (default `<home>/reports`). The same publication gives the same bytes.

    Raises `Usage` CH-REPORT-001, -002 (publication), -004 (format), `Stop` CH-REPORT-003, CH-PUB-001, CH-PUB-004.
    """
    if strange := [item for item in formats if item not in FORMATS]:
        raise Usage("CH-REPORT-004", format=strange[0], known=", ".join(FORMATS))
    chosen = published.choose(settings, month, number)
    found = facts.gather(published.read(settings, chosen))
    notice = compose(found)
    folder = out or settings.home / "reports"
    made: list[Report] = []
    for kind in dict.fromkeys(formats):
        body = workbook.render(found, notice) if kind == "xlsx" else (pdf if kind == "pdf" else word).render(notice)
        name = f"{'ranking' if kind == 'xlsx' else 'notice'}-{month}-{chosen:06d}.{kind}"
        write_bytes(folder / name, body)
        digest = hashlib.sha256(body).hexdigest()
        made.append(Report(kind, str(folder / name), len(body), digest, chosen, found.published.manifest.status))
    return made
