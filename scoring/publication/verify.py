"""Is a publication still what was published? Each file's sha256, its manifest and its place in the chain, the
warehouse's record and rows, the score again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from scoring.publication import chain, recorded
from scoring.publication.export import facts
from scoring.publication.manifest import NAME, Manifest, current, folder_of, numbers, read, sha256
from scoring.publication.recompute import recompute


@dataclass(frozen=True)
class Verification:
    """`problems` names each file or row that is not what it was; `lines` is the whole report for people; `number` is
    0 for all publications."""

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
    return _verified(settings, wanted, chain.problems(root).get(wanted, []))


def verify_all(settings: Settings) -> Verification:
    """Check every publication, the chain through them, and those that the warehouse knows and nobody finds."""
    links = chain.problems(settings.publications)
    lines: list[str] = []
    problems: list[str] = []
    for number in numbers(settings.publications):
        try:
            found = _verified(settings, number, links.get(number, []))
        except HubError as error:
            said = f"publication {number:06d}: {error.code}: {error.part('what')}"
            lines.append(said)
            problems.append(said)
        else:
            lines += found.lines[:-1]
            problems += [f"publication {number:06d}: {problem}" for problem in found.problems]
    lost = recorded.lost(settings)
    lines += lost
    problems += lost
    lines.append("ok" if not problems else f"NOT OK: {len(problems)} problems")
    return Verification(0, not problems, tuple(problems), tuple(lines))


def _verified(settings: Settings, number: int, links: list[str]) -> Verification:
    """`links`: what is wrong with its place in the chain."""
    folder = folder_of(settings.publications, number)
    manifest = read(folder)
    outside, notes = recorded.against(settings, manifest)
    beside = [*links, *outside]
    problems = _files(folder, manifest)
    lines = [f"publication {manifest.number:06d}: {manifest.period}, {facts(manifest)}; {len(manifest.files)} files"]
    lines += [f"  {problem}" for problem in beside]
    if problems:
        lines += [f"  {problem}" for problem in problems]
        lines.append("  the score is not computed again from damaged files")
    else:
        results, problems = recompute(folder)
        lines += [f"  {problem}" for problem in problems]
        lines.append(f"  {len(results)} scores computed again from the published inputs")
    lines += [f"  note: {note}" for note in notes]
    problems = [*beside, *problems]
    lines.append("ok" if not problems else f"NOT OK: {len(problems)} problems")
    return Verification(manifest.number, not problems, tuple(problems), tuple(lines))


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
