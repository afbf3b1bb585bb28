"""Check an evidence pack from nothing but itself: every byte, the score again, the indicators, the bytes landed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cityhub.errors import HubError
from cityhub.spec.feed import FeedSpec
from indicators import definitions as catalogue
from scoring.evidence import again, archive, sheets
from scoring.evidence import chain as chains
from scoring.evidence.chain import Chain
from scoring.numbers import text
from scoring.publication import manifest as published
from scoring.publication.export import DEFINITIONS
from scoring.publication.manifest import NAME, code_version, sha256
from scoring.publication.recompute import recompute
from warehouse.compile import spec_sha256
from warehouse.landing import MANIFEST, Part, read_manifest
from warehouse.readers.job import opened

Tree = dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """`problems`: each begins with the piece that fails; `indicators`: code, of, how (recomputed or checksummed), why;
    `lines`: the whole report for people."""

    ok: bool
    unit: str | None
    month: str | None
    publication: int | None
    score: str | None
    root: str | None
    problems: tuple[str, ...]
    indicators: tuple[Tree, ...]
    lines: tuple[str, ...]


def verify(file: Path, *, root: str | None = None) -> Verification:
    """Check a pack; `root`: the number that was noted when it was made. Needs no installation.

    Raises `Usage` CH-EVID-002 (no pack), CH-EVID-003 (a pack of a later version).
    """
    with tempfile.TemporaryDirectory(prefix="evidence-") as work:
        folder = Path(work) / "pack"
        folder.mkdir()
        found = archive.unpack(file, folder)
        head, problems, lines = found.manifest, list(found.problems), []
        if root is not None and head and head["root"] != root:
            problems.append(f"{archive.NAME}: the root is {head['root']}, expected {root}")
        if problems:
            lines.append("nothing is computed again from a damaged pack")
        else:
            try:
                problems, lines = _content(folder, head)
            except (HubError, OSError, ValueError, LookupError, TypeError) as error:
                said = error.part("what") if isinstance(error, HubError) else f"{type(error).__name__} {error}"
                problems = [f"{archive.NAME}: what it says of the pieces does not hold together ({said})"]
    return _told(head, problems, lines)


def _told(head: Tree, problems: list[str], lines: list[str]) -> Verification:
    first = []
    if head:
        first = [
            f"evidence of {head['name']} ({head['unit']}), {head['month']}: {head['score'] or 'no score'}, publication "
            f"{head['publication']['number']} ({head['publication']['status']})",
            f"  root {head['root']}, {len(head['pieces'])} pieces",
            f"  made by {head['code']}, published by {head['publication']['code']}, verified by {code_version()}",
        ]
    last = "ok" if not problems else f"NOT OK: {len(problems)} problems"
    return Verification(
        ok=not problems,
        unit=head.get("unit"),
        month=head.get("month"),
        publication=head["publication"]["number"] if head else None,
        score=head.get("score"),
        root=head.get("root"),
        problems=tuple(problems),
        indicators=tuple(head.get("indicators", ())),
        lines=(*first, *(f"  {line}" for line in [*problems, *lines]), last),
    )


def _content(folder: Path, head: Tree) -> tuple[list[str], list[str]]:
    problems = list(_published(folder / "publication", head))
    if problems:
        return problems, ["the score is not computed again from other files than those published"]
    present = {} if (folder / "publication" / DEFINITIONS).is_file() else catalogue.read_all()
    chain = chains.of(folder / "publication", head["unit"], present)
    if chain is None:
        return [f"publication/ranking.parquet: {head['unit']} is not ranked"], []
    problems += _score(folder, head, chain)
    lines = [f"the score comes out again: {head['score'] or 'no score'}, with {len(chain.parts)} components"]
    failed, said = _indicators(folder, head, chain)
    problems += failed
    landed, told = _deliveries(folder)
    missing, listed = _sheets(folder, head, chain)
    problems += [*missing, *landed]
    return problems, [*(lines if not problems else []), *said, *listed, *told]


def _published(folder: Path, head: Tree) -> Iterator[str]:
    """The packed files against the publication's manifest, and that against what the pack says of it."""
    made = published.read(folder)
    if sha256(folder / NAME) != head["publication"]["sha256"] or made.number != head["publication"]["number"]:
        yield f"publication/{NAME}: it is not the manifest that the pack names"
    if made.period != head["month"]:
        yield f"publication/{NAME}: it is of {made.period}"
    stated = {file.path: file.sha256 for file in made.files}
    for name in chains.files(folder):
        if name == NAME:
            continue
        if not (folder / name).is_file():
            yield f"publication/{name}: missing"
        elif sha256(folder / name) != stated[name]:
            yield f"publication/{name}: sha256 differs from the publication's manifest"


def _score(folder: Path, head: Tree, chain: Chain) -> Iterator[str]:
    """The score by the code and the packed schemes, and the same in the words of the pack."""
    results, problems = recompute(folder / "publication")
    yield from (f"publication/{problem}" for problem in problems)
    mine = next((result for result in results if result.unit == chain.unit), None)
    if mine is None or text(mine.score) != head["score"]:
        yield f"{archive.NAME}: the score comes out as {mine and text(mine.score)}, the pack says {head['score']}"
    for name, content in (("score.json", chains.score_tree(chain)), ("indicators.json", chains.indicator_trees(chain))):
        if (folder / name).read_text(encoding="utf-8") != chains.as_text(content):
            yield f"{name}: it does not say what was published"


def _indicators(folder: Path, head: Tree, chain: Chain) -> tuple[list[str], list[str]]:
    """Numerators and denominators from the packed rows, for those that came out when the pack was made."""
    how = again.results(folder / "rows", list(chain.needed), date.fromisoformat(chain.manifest.service_day))
    stated = {(item["code"], item["of"]): item for item in head["indicators"]}
    problems, lines = [], []
    for item in chain.needed:
        said = stated.get((item.code, item.of))
        why = how[item.code, item.of]
        if said is None:
            problems.append(f"{archive.NAME}: {item.code} of {item.of} is not among the indicators")
        elif said["how"] != "recomputed":
            lines.append(f"{item.code} of {item.of}: only checksummed ({said['why']})")
        elif why is not None:
            problems.append(f"rows: {item.code} of {item.of} does not come out again: {why}")
        else:
            days = f"{len(item.days)} days" if item.days else "the month"
            lines.append(f"{item.code} of {item.of}: recomputed from its rows, {days}")
    return problems, lines


def _sheets(folder: Path, head: Tree, chain: Chain) -> tuple[list[str], list[str]]:
    """The published lines of the sheets among the packed rows."""
    found = sheets.results(folder, chain)
    stated = {item["table"]: item for item in head["sheets"]}
    problems, lines = [], []
    for table, why in found.items():
        said = stated.get(table)
        if said is None or (said["how"] == "recomputed" and why is not None):
            problems.append(f"rows/{table}.parquet: {why or 'the pack does not name it'}")
        else:
            lines.append(f"{table}: " + (f"only as published ({why})" if why else "the published lines are its rows"))
    return problems, lines


def _deliveries(folder: Path) -> tuple[list[str], list[str]]:
    """Landed bytes against the sha256 noted when they came in, and specs against those of the loads."""
    problems: list[str] = []
    counts: dict[str, int] = {}
    for path in sorted((folder / "deliveries").rglob("load.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        said = str(told["bytes"]).partition(":")[0]
        counts[said] = counts.get(said, 0) + 1
        name = path.parent.relative_to(folder).as_posix()
        problems += [f"{name}/{problem}" for problem in _landed(path.parent, told)]
    lines = ["deliveries: " + (", ".join(f"{number} {said}" for said, number in sorted(counts.items())) or "none")]
    failed, said_of_specs = _specs(folder)
    return [*problems, *failed], [*lines, said_of_specs]


def _specs(folder: Path) -> tuple[list[str], str]:
    """Each packed spec has the identity that its loads name, as far as the program that packed it could say so."""
    stated: dict[Path, str] = {}
    for path in sorted((folder / "deliveries").rglob("load.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        stated |= {folder / "specs" / told["feed"] / f"{spec['sha256']}.json": spec["text"] for spec in told["specs"]}
    good = {path for path, text_of in stated.items() if text_of == "packed" and not _other_spec(path)}
    same_code = json.loads((folder / archive.NAME).read_text(encoding="utf-8"))["code"] == code_version()
    problems = [
        f"{path.relative_to(folder).as_posix()}: it is not the spec of that sha256"
        for path, text_of in stated.items()
        if text_of == "packed" and path not in good and same_code
    ]
    return problems, f"specs: {len(good)} of {len(stated)} are here and have the identity that the loads name"


def _landed(folder: Path, told: Tree) -> Iterator[str]:
    if not (folder / MANIFEST).is_file():
        return
    manifest = read_manifest(folder)
    contents = {line["content_sha256"] for line in told["log"]}
    if manifest.content_sha256 not in contents:
        yield f"{MANIFEST}: it is not the content that was loaded"
    if told["bytes"] != "packed":
        return
    for part in manifest.parts:
        yield from _part(folder / part.file, part, whole=told["manifest"] == "as landed")


def _part(path: Path, part: Part, *, whole: bool) -> Iterator[str]:
    """One body: head + records + tail are the bytes received."""
    if not path.is_file():
        yield f"{part.file}: missing"
        return
    alone, all_of_it = hashlib.sha256(), hashlib.sha256(part.head.encode("utf-8", "surrogateescape"))
    with opened(path) as stream:
        while block := stream.read(archive.BLOCK):
            alone.update(block)
            all_of_it.update(block)
    all_of_it.update(part.tail.encode("utf-8", "surrogateescape"))
    if alone.hexdigest() != part.records_sha256:
        yield f"{part.file}: its records are not those received"
    elif whole and all_of_it.hexdigest() != part.sha256:
        yield f"{part.file}: it is not the body that was received"


def _other_spec(path: Path) -> bool:
    """Whether a packed spec has another identity than its name says, as this program reads it."""
    try:
        return spec_sha256(FeedSpec.model_validate_json(path.read_text(encoding="utf-8"))) != path.stem
    except (ValidationError, OSError):
        return True
