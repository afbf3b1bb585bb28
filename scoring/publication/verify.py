"""Is a publication still what was published? Each file's sha256, its manifest, the score again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from scoring.publication.manifest import NAME, Manifest, current, folder_of, read, sha256
from scoring.publication.recompute import recompute
from warehouse import lake


@dataclass(frozen=True)
class Verification:
    """`problems` names each file that is not what it was; `lines` is the whole report for people."""

    number: int
    ok: bool
    problems: tuple[str, ...]
    lines: tuple[str, ...]


def verify(settings: Settings, number: int | None = None) -> Verification:
    """Check one publication, the current one when no number is given; raises `Stop` CH-PUB-001 for none."""
    root = settings.publications
    wanted = number if number is not None else current(root)
    if wanted is None:
        raise Stop("CH-PUB-001", number="(current)")
    folder = folder_of(root, wanted)
    manifest = read(folder)
    problems = [*_files(folder, manifest), *_against_lake(settings, folder, manifest)]
    lines = [f"publication {wanted:06d}: {manifest.period}, {manifest.status}, {len(manifest.files)} files"]
    if problems:
        lines += [f"  {problem}" for problem in problems]
        lines.append("  the score is not computed again from damaged files")
    else:
        results, problems = recompute(folder)
        lines += [f"  {problem}" for problem in problems]
        lines.append(f"  {len(results)} scores computed again from the published inputs")
    lines.append("ok" if not problems else f"NOT OK: {len(problems)} problems")
    return Verification(wanted, not problems, tuple(problems), tuple(lines))


def _files(folder: Path, manifest: Manifest) -> list[str]:
    problems: list[str] = []
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            problems.append(f"{file.path}: missing")
        elif path.stat().st_size != file.bytes:
            problems.append(f"{file.path}: {path.stat().st_size} bytes, published {file.bytes}")
        elif sha256(path) != file.sha256:
            problems.append(f"{file.path}: sha256 differs from the manifest")
    known = {file.path for file in manifest.files} | {NAME}
    strangers = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    return problems + [f"{name}: not in the manifest" for name in strangers if name not in known]


def _against_lake(settings: Settings, folder: Path, manifest: Manifest) -> list[str]:
    """The manifest itself against the row in the lake; a publication without its lake is checked alone."""
    try:
        con = lake.connect(settings, read_only=True)
    except HubError:
        return []
    try:
        row = con.execute(f"SELECT sha256 FROM publication WHERE number = {manifest.number}").fetchone()
    finally:
        con.close()
    if row is None:
        return []
    return [] if row[0] == sha256(folder / NAME) else [f"{NAME}: sha256 differs from the warehouse's record"]
