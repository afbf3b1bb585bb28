"""Making the extract of a publication: same number, immutable, signed.

Files are written in a hidden folder, synced, and get their place by one rename: a kill anywhere leaves no extract or a
whole one, and the next run makes the same bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from cityhub import log
from cityhub.errors import Stop
from cityhub.files import sync
from cityhub.settings import Settings
from extracts import sign, sm2, write
from extracts.datasets import DATASETS, Dataset
from extracts.dictionary import SELECT as DICTIONARY
from extracts.model import MANIFEST, SCHEMA_VERSION, SIGNATURES, STATUSES, ExtractFile, ExtractManifest, folder_name
from extracts.store import Store, root_of
from scoring.publication import manifest as publications
from scoring.publication.manifest import Manifest, folder_of, sha256
from warehouse import lake
from warehouse.names import identifier, literal

logger = log.get("cityhub.extracts")
LEFT_OUT = {"CH-EXT-006", "CH-EXT-012", "CH-EXT-013"}  # of a number that never gets an extract, and later ones do


def make(settings: Settings, number: int) -> ExtractManifest:
    """The extract of a publication; made now, after those before it, unless it is there.

    Raises `Stop` CH-PUB-001 without the publication, CH-PUB-004 when its files are damaged, CH-EXT-006 when rows share
    a key, CH-EXT-012 when one has none, CH-EXT-007 without a usable signing key, CH-EXT-013 when a later one was made
    without it.
    """
    publications.read(folder_of(settings.publications, number))
    _make_until(settings, number)
    return Store(root_of(settings)).manifest(number)


def make_missing(settings: Settings) -> list[int]:
    """Make the extracts of all publications that have none, oldest first; their numbers. One that cannot have an
    extract is left out, and raises only while it is the newest."""
    known = publications.numbers(settings.publications)
    return _make_until(settings, known[-1]) if known else []


def _make_until(settings: Settings, last: int) -> list[int]:
    root = root_of(settings)
    root.mkdir(parents=True, exist_ok=True)
    made = []
    with lake.lock(settings, "extracts"):
        for rest in root.glob(".*.partial"):  # of a run that was killed
            shutil.rmtree(rest)
        store = Store(root)
        there = set(store.sequences())
        for number in publications.numbers(settings.publications):
            if not store.floor() <= number <= last or number in there:
                continue
            try:
                _make(settings, store, number)
            except Stop as error:
                if error.code not in LEFT_OUT or number == last:
                    raise
                log.event(logger, "extract left out", level=40, publication=number, code=error.code)
            else:
                made.append(number)
    return made


def _make(settings: Settings, store: Store, number: int) -> None:
    published = folder_of(settings.publications, number)
    publication = publications.read(published)
    signer, keys = sign.signer(settings), sm2.pair(settings)
    earlier = [item for item in store.sequences() if item < number]
    same_month = [item for item in earlier if store.manifest(item).period == publication.period]
    work = store.root / f".{folder_name(number)}.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    con = write.connect()
    try:
        _tables(con, published, publication)
        _variables(con, publication)
        files = _datasets(con, store, publication, same_month, work)
    finally:
        con.close()
    made = ExtractManifest(
        sequence=number,
        schema_version=SCHEMA_VERSION,
        period=publication.period,
        status=STATUSES[publication.status],
        reason=publication.reason,
        supersedes=same_month[-1] if same_month else None,
        previous=sha256(store.folder(earlier[-1]) / MANIFEST) if earlier else None,
        source_as_of=publication.service_day,
        published_at=publication.published_at,
        key_id=signer.key_id,
        publication_sha256=sha256(published / publications.NAME),
        files=tuple(files),
    )
    sign.publish_key(store.root, signer.public)
    seal(work, made, signer, keys)
    following = next((item for item in store.sequences() if item > number), None)
    if following is not None and store.manifest(following).previous != sha256(work / MANIFEST):
        shutil.rmtree(work)
        raise Stop("CH-EXT-013", sequence=number, following=following, folder=str(store.folder(number)))
    take_place(work, store.folder(number))
    log.event(logger, "extract", publication=number, interval=publication.period, rows=sum(f.rows for f in files) // 3)


def _tables(con: duckdb.DuckDBPyConnection, folder: Path, publication: Manifest) -> None:
    """The publication's tables as views, once their bytes are those of its manifest."""
    known = {item.path: item.sha256 for item in publication.files}
    for source in sorted({name for dataset in DATASETS.values() for name in dataset.sources}):
        path = folder / f"{source}.parquet"
        if path.name not in known:
            continue
        if not path.is_file() or sha256(path) != known[path.name]:
            raise Stop(
                "CH-PUB-004", number=publication.number, problem=f"{path.name} differs from it", folder=str(folder)
            )
        con.execute(f"CREATE VIEW {identifier(source)} AS FROM read_parquet({literal(str(path))})")


def _variables(con: duckdb.DuckDBPyConnection, publication: Manifest) -> None:
    for name, value in {
        "month": publication.period,
        "status": STATUSES[publication.status],
        "source_as_of": publication.service_day,
        "published_at": publication.published_at,
    }.items():
        con.execute(f"SET VARIABLE {name} = {literal(value)}")
    con.execute(f"SET VARIABLE sequence = {publication.number}")


def _datasets(
    con: duckdb.DuckDBPyConnection, store: Store, publication: Manifest, earlier: list[int], work: Path
) -> list[ExtractFile]:
    there = {row[0] for row in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
    found: list[ExtractFile] = []
    for dataset in DATASETS.values():
        if there.issuperset(dataset.sources):
            before = next((item for item in reversed(earlier) if dataset.id in store.manifest(item).datasets), None)
            write.rows(con, dataset, dataset.select or DICTIONARY, _file_of(store, before, dataset), publication.number)
            found += write.files(con, dataset, work)
    return found


def _file_of(store: Store, sequence: int | None, dataset: Dataset) -> Path | None:
    """The dataset's Parquet file of an extract; None where it holds none. Raises `Stop` CH-EXT-002 for one that is not
    what was signed: rows would be carried over from it."""
    found = None if sequence is None else store.manifest(sequence).file(dataset.id, "parquet")
    if found is None or sequence is None:
        return None
    path = store.folder(sequence) / found.path
    if not path.is_file() or sha256(path) != found.sha256:
        raise Stop("CH-EXT-002", sequence=sequence, problem=f"{found.path} differs", folder=str(path.parent))
    return path


def seal(work: Path, made: ExtractManifest, signer: sign.Signer, keys: tuple[bytes, bytes] | None) -> None:
    """The manifest and its signature, a second one where there are SM2 `keys`; everything synced and read-only."""
    body = made.encode()
    (work / MANIFEST).write_bytes(body)
    (work / SIGNATURES["ed25519"]).write_bytes(signer.sign(body))
    if keys is not None:
        (work / SIGNATURES["sm2"]).write_bytes(sm2.sign(body, keys))
        sign.publish_key(work.parent, keys[1], sm2.SUFFIX)
    for path in sorted(work.iterdir()):
        sync(path)
        path.chmod(0o444)
    sync(work)


def take_place(work: Path, folder: Path) -> None:
    """From this rename on the extract is there."""
    work.rename(folder)
    sync(folder.parent)
