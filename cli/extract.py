"""`cityhub extract`: publications as signed files for other levels of government."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityhub.settings import load as load_settings
from cli import extract_codes, extract_pull, extract_push
from cli.output import as_json, guarded, out, table

if TYPE_CHECKING:
    from extracts.model import ExtractManifest

app = typer.Typer(help="Extracts: publications as numbered, signed files.", no_args_is_help=True)
app.command("pull")(extract_pull.pull)
app.command("push")(extract_push.push)
app.add_typer(extract_push.app, name="outbox")
app.add_typer(extract_codes.app, name="codes")
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
@guarded
def list_extracts(json_output: Json = False) -> None:
    """All extracts, newest first; data that were pruned are marked."""
    from extracts.store import Store, root_of

    store = Store(root_of(load_settings()))
    kept = store.kept()
    found = [(store.manifest(number), number in kept) for number in reversed(store.sequences())]
    if json_output:
        as_json([_short(item) | {"data": held} for item, held in found])
        return
    rows = [
        (m.sequence, m.period, m.source_as_of, m.status, m.reason, m.supersedes, sum(f.bytes for f in m.files),
         "kept" if held else "pruned", m.key_id)
        for m, held in found
    ]  # fmt: skip
    columns = ("sequence", "period", "as of", "status", "reason", "supersedes", "bytes", "data", "key")
    table("extracts", columns, rows)


def _short(made: ExtractManifest) -> dict[str, Any]:
    return {key: value for key, value in asdict(made).items() if key != "files"}


@app.command("make")
@guarded
def make(
    number: Annotated[
        int | None, typer.Argument(min=1, help="of this publication; default: all that are missing")
    ] = None,
    json_output: Json = False,
) -> None:
    """Make extracts that are missing, oldest first. One that is there stays as it is."""
    from extracts.make import make as of_number
    from extracts.make import make_missing
    from extracts.store import Store, root_of

    settings = load_settings()
    if number is None:
        made = make_missing(settings)
    else:
        before = Store(root_of(settings)).sequences()
        of_number(settings, number)
        made = [item for item in Store(root_of(settings)).sequences() if item not in before]
    if json_output:
        as_json({"made": made})
    else:
        out.print(f"made: {', '.join(map(str, made))}" if made else "nothing to make")


@app.command("show")
@guarded
def show(
    number: Annotated[int | None, typer.Argument(min=1, help="which; default: the newest")] = None,
    json_output: Json = False,
) -> None:
    """The manifest of an extract; exit code 1 when its signature, its files or the chain are not what was signed."""
    from extracts.check import problems
    from extracts.store import Store, root_of

    store = Store(root_of(load_settings()))
    wanted = number or store.latest() or 0
    made = store.manifest(wanted)
    found = problems(store, wanted)
    if json_output:
        as_json(asdict(made) | {"problems": found})
    else:
        out.print(f"extract {made.sequence}: {made.period}, {made.status}, as of {made.source_as_of}", markup=False)
        out.print(
            f"  reason {made.reason}; key {made.key_id}; takes the place of {made.supersedes or '–'}", markup=False
        )
        rows = [(f.dataset, f.format, f.rows, f.bytes, f.sha256) for f in made.files]
        table("files", ("dataset", "format", "rows", "bytes", "sha256"), rows)
        out.print("\n".join(found) if found else "ok", markup=False)
    raise typer.Exit(1 if found else 0)


@app.command("datasets")
@guarded
def datasets(json_output: Json = False) -> None:
    """The datasets of an extract, their keys and what they hold."""
    from extracts.datasets import DATASETS

    if json_output:
        as_json({name: dataset.json_schema() | {"key": dataset.key} for name, dataset in DATASETS.items()})
        return
    rows = [(d.id, d.title_zh, d.title_en, " ".join(d.key), len(d.columns)) for d in DATASETS.values()]
    table("datasets", ("id", "title", "in English", "key", "columns"), rows)


@app.command("prune")
@guarded
def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="how many of the newest sequences keep their data")],
    json_output: Json = False,
) -> None:
    """Delete the data of older sequences: changes start from the oldest kept one. The newest extract of each month
    stays, and all manifests do."""
    from extracts.prune import prune as below

    done = below(load_settings(), keep)
    if json_output:
        as_json(done)
    else:
        out.print(f"changes start from sequence {done.floor}; {done.files} files, {done.bytes} bytes deleted")


@app.command("bundle")
@guarded
def bundle(
    file: Annotated[Path | None, typer.Option("--out", help="the tar; default: extracts-FROM-TO.tar")] = None,
    since: Annotated[int, typer.Option(min=0, help="only sequences after this one, which the other side holds")] = 0,
    dataset: Annotated[list[str] | None, typer.Option(help="only these datasets; may be given again")] = None,
    formats: Annotated[str, typer.Option("--format", help="parquet, csv.gz, ndjson.gz, with a comma")] = "parquet",
    json_output: Json = False,
) -> None:
    """Pack extracts into one signed file for a gateway that lets nothing back."""
    from extracts.bundle import bundle as pack

    made = pack(
        load_settings(), file, since=since, datasets=dataset or None,
        formats=[part.strip() for part in formats.split(",") if part.strip()],
    )  # fmt: skip
    if json_output:
        as_json(made)
    else:
        out.print(
            f"{made.file}: sequences {made.first} to {made.last}, {made.entries} files, {made.bytes} bytes",
            markup=False,
        )
        out.print(f"  sha256 {made.sha256}\n  signed by key {made.key_id}")


@app.command("verify")
@guarded
def verify(
    file: Path,
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="base64 or a file of it: the only key that is trusted")
    ] = None,
    sm2: Annotated[
        str | None, typer.Option("--sm2", help="base64 or a file of it: this SM2 key must have signed as well")
    ] = None,
    into: Annotated[Path | None, typer.Option("--into", help="unpack there what is sound")] = None,
    json_output: Json = False,
) -> None:
    """Check a bundle on any machine: signatures, chain of manifests, every file. Exit code 1: something is wrong."""
    from extracts.verify import verify as of_file

    found = of_file(file, public_key=public_key, sm2_key=sm2, into=into)
    if json_output:
        as_json(found)
    else:
        out.print("\n".join(found.lines), markup=False)
    raise typer.Exit(0 if found.ok else 1)


@app.command("sm2-key")
@guarded
def sm2_key() -> None:
    """Make a pair of SM2 keys, once: extracts from now on carry an SM2 signature beside the Ed25519 one."""
    from extracts.sm2 import make_key

    out.print(f"SM2 key {make_key(load_settings())}; keep the secret extract_sm2_key as you keep extract_key")
