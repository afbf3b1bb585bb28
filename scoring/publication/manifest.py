"""The manifest: which files a publication is, with their sha256; a folder without one is no publication."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from cityhub.errors import Stop
from cityhub.files import sync, write_text
from cityhub.settings import REPOSITORY

NAME = "manifest.json"
SCHEMA_VERSION = 3  # 2: approved_by, corrected_by; 3: beside; older ones are read with these empty
CURRENT = "current"


@dataclass(frozen=True)
class File:
    """One file of the folder; `rows` is None where it is no table."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What one publication is. `service_day`: the last day whose data it holds; `content_sha256`: identity of
    its rows; `supersedes_sha256`: manifest of the publication that it takes the place of; `approved_by`: who made
    the month final; `corrected_by`: who corrected a final month; `beside`: identity of the rows that no score is
    computed from."""

    number: int
    schema_version: int
    scheme: str
    scheme_version: str
    period: str
    service_day: str
    status: str
    reason: str
    supersedes: int | None
    supersedes_sha256: str | None
    published_at: str
    code_version: str
    lake_snapshot: int
    complete: bool
    switches: dict[str, str]
    content_sha256: str
    files: tuple[File, ...] = field(default_factory=tuple)
    approved_by: str | None = None
    corrected_by: str | None = None
    beside: str = ""

    @property
    def frozen(self) -> bool:
        """Whether its month changes only by a correction."""
        return self.status != "provisional"


def folder_of(root: Path, number: int) -> Path:
    """`publications/000001`."""
    return root / f"{number:06d}"


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest whole or not at all: from that moment the folder is a publication."""
    content = asdict(manifest)
    content["files"] = content.pop("files")  # the long list last
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_text(folder / NAME, text, mode=0o444, sync=True)
    sync(folder)
    sync(folder.parent)


def read(folder: Path) -> Manifest:
    """A publication's manifest; raises `Stop` CH-PUB-001 without one, CH-PUB-004 when it is damaged."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Manifest(**{**content, "files": tuple(File(**item) for item in content["files"])})
    except FileNotFoundError:
        raise Stop("CH-PUB-001", number=folder.name) from None
    except (ValueError, TypeError, KeyError) as error:
        raise Stop(
            "CH-PUB-004", number=folder.name, problem=f"{NAME} cannot be read ({error})", folder=str(folder)
        ) from None


def numbers(root: Path) -> list[int]:
    """All published numbers, ascending."""
    if not root.is_dir():
        return []
    return sorted(int(item.name) for item in root.iterdir() if item.name.isdigit() and (item / NAME).is_file())


def newest(root: Path, month: str) -> Manifest | None:
    """The newest publication of a month."""
    for number in reversed(numbers(root)):
        found = read(folder_of(root, number))
        if found.period == month:
            return found
    return None


def current(root: Path) -> int | None:
    """The number that `current` points to, None before the first publication."""
    try:
        target = (root / CURRENT).readlink().name
    except OSError:
        return None
    return int(target) if target.isdigit() and (root / target / NAME).is_file() else None


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def code_version() -> str:
    """The package's version, with the commit where the program runs from a clone."""
    head = REPOSITORY / ".git" / "HEAD"
    commit = ""
    if head.is_file():
        text = head.read_text(encoding="utf-8").strip()
        reference = REPOSITORY / ".git" / text.removeprefix("ref: ")
        commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else text
    return f"{version('cityhub')}+{commit[:12]}" if commit and " " not in commit else version("cityhub")
