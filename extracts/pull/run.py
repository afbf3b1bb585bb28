"""One pull: everything at first, then what changed, each dataset in one transaction and proved before it counts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cityhub import log
from cityhub.errors import Stop
from cityhub.files import write_bytes
from extracts.client import Expired, Forbidden
from extracts.pull import pages, proof
from extracts.pull.sink import Sink, State
from extracts.pull.source import Listed, Shape, Source, rows_of

logger = log.get("cityhub.pull")
DUCKDB = ".duckdb"
COPY = "extracts.duckdb"
OPS = ("insert", "revise", "delete")


@dataclass(frozen=True)
class Pulled:
    """What a pull did with one dataset. `how`: `full`, `delta`, or `nothing`; `since` and `to` are publications;
    `changes`: operation → rows; `proved`: signed files say the same; `receipt`: whether the service agrees."""

    dataset: str
    how: str
    since: int | None
    to: int
    rows: int
    changes: dict[str, int]
    proved: bool
    receipt: bool | None = None


def pull(
    source: Source, into: Path, *, datasets: Sequence[str] | None = None, public_key: bytes | None = None,
    sm2_key: bytes | None = None, full: bool = False, prove: bool = True, receipts: bool = True,
) -> list[Pulled]:  # fmt: skip
    """Bring the copy in `into` (a `.duckdb` file, or a folder that gets one and Parquet files) up to date.

    A kill at any moment leaves the state before; the next run goes on with what was fetched. `full`: from the signed
    files alone; `prove` false: changes are not compared with the signed files; `sm2_key`: has to
    have signed each publication whose rows the copy holds, 64 bytes. Raises `Stop` CH-CLIENT-…, CH-EXT-010.
    """
    file = into if into.suffix == DUCKDB else into / COPY
    work = file.with_name(f".{file.name}.pull")
    sink = Sink(file)
    try:
        sink.belongs_to(source.name)
        proof.trust(sink, source, public_key)
        there = source.datasets()
        if unknown := [name for name in datasets or [] if name not in there]:
            raise Stop("CH-CLIENT-010", source=source.name, dataset=unknown[0][:60], known=", ".join(there))
        shapes = {name: source.shape(name) for name in (datasets or there)}
        found = [
            _dataset(sink, source, name, shape, work, sm2_key, full=full, prove=prove, receipts=receipts)
            for name, shape in shapes.items()
        ]
        if file != into:
            _export(sink, shapes, found, into)
        shutil.rmtree(work, ignore_errors=True)
    finally:
        sink.close()
    return found


def _dataset(
    sink: Sink,
    source: Source,
    dataset: str,
    shape: Shape,
    work: Path,
    sm2_key: bytes | None,
    *,
    full: bool,
    prove: bool,
    receipts: bool,
) -> Pulled:
    listed, state = source.publications(dataset), sink.state(dataset)
    if not listed:
        raise Stop("CH-CLIENT-010", source=source.name, dataset=dataset, known="nothing of it was published")
    taken = None
    if state is not None and not full and sink.fits(dataset, shape):
        try:
            taken = _delta(sink, source, dataset, shape, state, work, sm2_key, prove=prove and state.proved)
        except Expired:
            log.event(logger, "pull_expired", dataset=dataset, since=state.token)
        except (
            Stop
        ):  # what does not hold is not gone on with: the next pull asks anew, perhaps up to a later publication
            pages.forget(work / f"{dataset}.changes")
            raise
    if taken is None:
        taken = _full(sink, source, dataset, shape, state, listed, work, sm2_key)
    done, newest = taken
    log.event(logger, "pull", dataset=dataset, how=done.how, to=done.to, rows=done.rows)
    if receipts and newest is not None:
        said = source.receipt(dataset, newest.sequence, newest.manifest_sha256, done.rows)
        return Pulled(**{**vars(done), "receipt": said})
    return done


def _full(
    sink: Sink,
    source: Source,
    dataset: str,
    shape: Shape,
    state: State | None,
    listed: list[Listed],
    work: Path,
    sm2_key: bytes | None,
) -> tuple[Pulled, Listed]:
    """Everything as of the newest publication of the listing, which the receipt names."""
    to, newest = listed[-1].sequence, {item.period: item for item in listed}
    since = state.token if state else None
    try:
        selects = []
        for month in sorted(newest):
            made = proof.manifest(sink, source, dataset, newest[month], sm2_key)
            path, item = proof.file(source, made, dataset, work / "files")
            selects.append(rows_of(path, item.format, dataset, shape))
        proved = True
    except Forbidden:  # a key for some units: their rows come page by page, and no signature covers a part of a file
        proof.second(sink, source, dataset, newest.values(), sm2_key)
        selects, proved = [_records(source, dataset, shape, to, work)], False
    with sink.whole():
        sink.make(dataset, shape)
        for select in selects:
            sink.insert(dataset, shape, select)
        sink.reach(dataset, to, proved)
    pages.forget(work / f"{dataset}.records")
    pages.forget(work / f"{dataset}.changes")
    rows = sink.count(dataset)
    return Pulled(dataset, "full", since, to, rows, {"insert": rows}, proved), listed[-1]


def _records(source: Source, dataset: str, shape: Shape, at: int, work: Path) -> str:
    folder = work / f"{dataset}.records"
    pages.collect(folder, {"source": source.name, "at": at}, lambda cursor: source.records(dataset, at, cursor))
    return rows_of(folder / "*.ndjson", "ndjson", dataset, shape)


def _delta(
    sink: Sink,
    source: Source,
    dataset: str,
    shape: Shape,
    state: State,
    work: Path,
    sm2_key: bytes | None,
    *,
    prove: bool,
) -> tuple[Pulled, Listed | None]:
    """What changed, and the publication that the receipt names: the newest of the dataset in the state that was taken,
    which may have landed after the pull began. None where nothing changed."""
    since, folder = state.token, work / f"{dataset}.changes"
    request = {"source": source.name, "since": since}
    to = int(pages.collect(folder, request, lambda cursor: source.changes(dataset, since, cursor))["to"])
    changed = to != since
    reached = [item for item in source.publications(dataset) if item.sequence <= to] if changed or sm2_key else []
    proof.second(sink, source, dataset, {item.period: item for item in reached}.values(), sm2_key)
    if not changed:
        pages.forget(folder)
        return Pulled(dataset, "nothing", since, to, sink.count(dataset), {}, state.proved), None
    fresh = [item for item in reached if item.sequence > since]
    newest = {item.period: item for item in fresh}
    manifests = {item.sequence: proof.manifest(sink, source, dataset, item) for item in fresh} if prove else {}
    files = {
        month: proof.file(source, manifests[item.sequence], dataset, work / "files")
        for month, item in newest.items()
        if prove
    }
    with sink.whole():
        counts = sink.apply(dataset, shape, folder)
        for month, (path, item) in files.items():
            wrong = sink.differing(dataset, shape, month, rows_of(path, item.format, dataset, shape))
            if wrong:
                raise Stop("CH-CLIENT-007", dataset=dataset, sequence=to, count=wrong, month=month)
        sink.reach(dataset, to, state.proved and prove)
    pages.forget(folder)
    return Pulled(dataset, "delta", since, to, sink.count(dataset), counts, state.proved and prove), reached[-1]


def _export(sink: Sink, shapes: Mapping[str, Shape], found: list[Pulled], into: Path) -> None:
    """Parquet files of the datasets, and the manifests that prove them, beside the DuckDB file."""
    for item in found:
        target = into / f"{item.dataset}.parquet"
        if item.how != "nothing" or not target.exists():
            sink.export(item.dataset, shapes[item.dataset].key, target)
    for sequence, body, signature, second in sink.manifests():
        write_bytes(into / "manifests" / f"{sequence:06d}.json", body)
        write_bytes(into / "manifests" / f"{sequence:06d}.json.sig", signature)
        if second is not None:
            write_bytes(into / "manifests" / f"{sequence:06d}.json.sm2", second)
