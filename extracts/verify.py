"""Check a bundle from nothing but itself and, better, a public key that came another way. Needs no installation."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cityhub.errors import Stop
from cityhub.files import sync
from extracts import check, public, sign, sm2
from extracts.bundle import HEAD, KIND, SIGNATURE, VERSION, Entry
from extracts.model import MANIFEST, SIGNATURES, ExtractManifest, decode, folder_name
from extracts.store import Store

LARGEST_HEAD = 64 << 20
BLOCK = 1 << 20
_PATH = re.compile(r"(keys/[0-9a-f]{16}\.(ed25519|sm2)|[0-9]{6,9}/[a-z0-9_]+(\.[a-z0-9]+){1,2})")


@dataclass(frozen=True)
class Verification:
    """`trusted`: the signature is that of a key that the caller named; `problems` begin with the entry that fails."""

    ok: bool
    trusted: bool
    key_id: str | None
    first: int | None
    last: int | None
    problems: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass
class _Seen:
    """What was read of a tar so far."""

    folder: Path
    key_id: str | None = None
    first: int = 0
    last: int = 0
    since: int = 0
    floor: int = 0
    problems: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)


def verify(
    path: Path, *, public_key: str | None = None, sm2_key: str | None = None, into: Path | None = None
) -> Verification:
    """Read the tar once. `public_key`: base64, or a file that holds it; `sm2_key`: the same of an SM2 key that has to
    have signed each manifest whose files are in the bundle; `into`: where what is sound becomes a folder
    that `Store` reads, with what an earlier bundle left there.

    Raises `Stop` CH-EXT-008 for what is no bundle at all, CH-EXT-010 where SM2 is demanded and cannot be checked,
    CH-EXT-011 for a key that is none.
    """
    named = None if public_key is None else public.ed25519(public_key)
    second = None if sm2_key is None else public.sm2(sm2_key)
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=into) as work:
        seen = _Seen(Path(work))
        _read(path, seen, named)
        manifests = {} if seen.problems else _manifests(seen)
        if second is not None:
            seen.problems += _not_by(second, seen, manifests)
        if not seen.problems and into is not None:
            _chain_on(seen, manifests, into)
        if not seen.problems and into is not None:
            _place(seen, manifests, into)
    trusted = named is not None and not seen.problems
    lines = [f"{path.name}: sequences {seen.first} to {seen.last}, {len(seen.entries)} files, key {seen.key_id}"]
    lines += [f"  {item}" for item in seen.problems]
    if named is None:
        lines.append(
            f"  the key came with the bundle: ask the sender whether it is {seen.key_id}, or give --public-key"
        )
    lines.append("ok" if not seen.problems else f"NOT OK: {len(seen.problems)} problems")
    return Verification(
        not seen.problems, trusted, seen.key_id, seen.first, seen.last, tuple(seen.problems), tuple(lines)
    )


def _read(path: Path, seen: _Seen, named: bytes | None) -> None:
    try:
        with tarfile.open(path, "r|") as archive:
            members = iter(archive)
            body = _small(archive, next(members, None), HEAD)
            signature = _small(archive, next(members, None), SIGNATURE)
            _head(seen, body)
            for member in members:
                _entry(seen, member, archive.extractfile(member) if member.isreg() else None)
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
        if not seen.entries:
            raise Stop("CH-EXT-008", path=str(path), problem=str(error) or type(error).__name__) from None
        seen.problems.append(f"{path.name}: cannot be read to its end ({error})")
        return
    seen.problems += [f"{name}: missing" for name in seen.entries if not (seen.folder / name).is_file()]
    _signed(seen, body, signature, named)


def _small(archive: tarfile.TarFile, member: tarfile.TarInfo | None, name: str) -> bytes:
    if member is None or member.name != name or not member.isreg() or member.size > LARGEST_HEAD:
        raise ValueError(f"{name} is not where it belongs")
    handle = archive.extractfile(member)
    return handle.read() if handle else b""


def _head(seen: _Seen, body: bytes) -> None:
    content = json.loads(body)
    if content["kind"] != KIND or content["version"] != VERSION:
        raise ValueError(f"{content['kind']} version {content['version']} is not {KIND} version {VERSION}")
    seen.key_id, seen.first, seen.last = str(content["key_id"]), int(content["first"]), int(content["last"])
    seen.since, seen.floor = int(content["since"]), int(content["floor"])
    for item in content["entries"]:
        entry = Entry(**item)
        if not _PATH.fullmatch(entry.path) or entry.path in seen.entries:
            raise ValueError(f"{entry.path!r} is no name of an entry, or stands twice")
        seen.entries[entry.path] = entry


def _entry(seen: _Seen, member: tarfile.TarInfo, handle: IO[bytes] | None) -> None:
    entry = seen.entries.get(member.name)
    target = seen.folder / member.name
    if entry is None or handle is None:
        seen.problems.append(f"{member.name[:200]}: not in {HEAD}")
        return
    if target.exists():
        seen.problems.append(f"{member.name}: stands twice")
        return
    target.parent.mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as sink:
        while size <= entry.bytes and (block := handle.read(BLOCK)):
            digest.update(block)
            size += len(block)
            sink.write(block)
    if (size, digest.hexdigest()) != (entry.bytes, entry.sha256):
        seen.problems.append(f"{member.name}: its bytes differ from {HEAD}")


def _signed(seen: _Seen, body: bytes, signature: bytes, named: bytes | None) -> None:
    """The bundle's own signature; with a named key nothing in the bundle says who may sign."""
    held = sign.public_keys(seen.folder).get(seen.key_id or "")
    key = named if named is not None else held
    if key is None:
        seen.problems.append(f"{sign.KEYS}: key {seen.key_id} is not in it")
    elif not sign.verify(body, signature, key):
        whose = sign.key_id(key)
        seen.problems.append(f"{SIGNATURE}: it is not a signature of key {whose} (the bundle names {seen.key_id})")


def _manifests(seen: _Seen) -> dict[int, ExtractManifest]:
    """Every manifest with its signature and its place in the chain, every file as its manifest says."""
    found: dict[int, ExtractManifest] = {}
    before: bytes | None = None
    for name in sorted({path.split("/")[0] for path in seen.entries if not path.startswith(sign.KEYS)}, key=int):
        folder = seen.folder / name
        try:
            body = (folder / MANIFEST).read_bytes()
            made = decode(body)
        except (OSError, ValueError, KeyError, TypeError) as error:
            seen.problems.append(f"{name}/{MANIFEST}: cannot be read ({error})")
            continue
        seen.problems += [f"{name}/{problem}" for problem in check.of_manifest(folder, made, body)]
        if found and not check.follows(made, before):
            seen.problems.append(f"{name}/{MANIFEST}: the manifest before is not the one that it was made after")
        before = body
        found[int(name)] = made
        known = {item.path: item for item in made.files}
        for path, entry in seen.entries.items():
            inner = path.removeprefix(f"{name}/")
            if inner == path or inner in {MANIFEST, *SIGNATURES.values()}:
                continue
            item = known.get(inner)
            if item is None or (item.bytes, item.sha256) != (entry.bytes, entry.sha256):
                seen.problems.append(f"{path}: it is not the file that its manifest names")
    if sorted(found)[:1] != [seen.first] or sorted(found)[-1:] != [seen.last]:
        seen.problems.append(f"{HEAD}: it speaks of other sequences than it holds")
    return found


def _not_by(sm2_key: bytes, seen: _Seen, manifests: dict[int, ExtractManifest]) -> Iterator[str]:
    """The manifests that this SM2 key did not sign though their files are in the bundle."""
    for number, made in manifests.items():
        folder = seen.folder / folder_name(number)
        if not any((folder / item.path).is_file() for item in made.files):
            continue
        path, name = folder / SIGNATURES["sm2"], f"{folder.name}/{SIGNATURES['sm2']}"
        if not path.is_file():
            yield f"{name}: missing, and SM2 is demanded"
        elif not sm2.verify((folder / MANIFEST).read_bytes(), path.read_bytes(), sm2_key):
            yield f"{name}: it is not a signature of SM2 key {sign.key_id(sm2_key)}"


def _chain_on(seen: _Seen, manifests: dict[int, ExtractManifest], into: Path) -> None:
    """What comes goes on from what is there: the same sequences are the same, and none between is left out."""
    first = manifests[seen.first]
    if first.previous is None:
        return
    held = sorted(int(item.name) for item in into.iterdir() if item.name.isdigit() and int(item.name) < seen.first)
    path = into / f"{held[-1]:06d}" / MANIFEST if held else None
    if path is None or hashlib.sha256(path.read_bytes()).hexdigest() != first.previous:
        seen.problems.append(
            f"chain: sequence {seen.first} does not follow what is in {into}: a bundle between is missing"
        )


def _place(seen: _Seen, manifests: dict[int, ExtractManifest], into: Path) -> None:
    """Each extract by one rename; one that is there must have the same manifest and gets files that it lacks."""
    shutil.copytree(seen.folder / sign.KEYS, into / sign.KEYS, dirs_exist_ok=True)
    for number in sorted(manifests):
        name = f"{number:06d}"
        target, work = into / name, seen.folder / name
        for path in sorted(work.iterdir()):
            path.chmod(0o444)
            sync(path)
        if not target.exists():
            work.rename(target)
        elif (target / MANIFEST).read_bytes() != (work / MANIFEST).read_bytes():
            seen.problems.append(f"{name}/{MANIFEST}: another one is in {into} already")
        else:
            for path in sorted(work.iterdir()):
                if not (target / path.name).exists():
                    path.rename(target / path.name)
    store = Store(into)
    if seen.since == 0 and seen.floor > store.floor():
        store.set_floor(seen.floor)  # what is older was pruned before it was packed
    sync(into)
