"""`cityhub extract pull`: a proved copy of another hub's extracts, over HTTP or from a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityhub.errors import Stop, Usage
from cli.output import as_json, guarded, table

if TYPE_CHECKING:
    from extracts.pull.source import Source


@guarded
def pull(
    source: Annotated[str, typer.Option("--from", metavar="URL|BUNDLE.tar", help="a service, or a bundle that came")],
    into: Annotated[Path, typer.Option("--into", help="x.duckdb, or a folder that gets one and Parquet files")],
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="file that holds the API key and nothing else")
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="only this one; may be repeated; default: all")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option("--public-key", help="base64 or a file of it: trust this key, whoever told it")
    ] = None,
    sm2: Annotated[
        str | None, typer.Option("--sm2", help="base64 or a file of it: this SM2 key must have signed as well")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="take the signed files alone, no changes")] = False,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="compare what changed with the signed files")
    ] = True,
    receipts: Annotated[bool, typer.Option("--receipts/--no-receipts", help="tell the service what was taken")] = True,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Everything at the first time, then what changed; signatures and sha256 are checked before a row counts."""
    from extracts import public
    from extracts.pull import run

    named = None if public_key is None else public.ed25519(public_key)
    second = None if sm2 is None else public.sm2(sm2)
    found = run.pull(
        _source(source, key_file, into, public_key, sm2), into, datasets=dataset or None, public_key=named,
        sm2_key=second, full=full, prove=prove, receipts=receipts,
    )  # fmt: skip
    if json_output:
        as_json(found)
        return
    rows = [
        (item.dataset, item.how, item.since, item.to, item.rows, *(item.changes.get(op, 0) for op in run.OPS),
         "yes" if item.proved else "no", {True: "agrees", False: "DIFFERS", None: None}[item.receipt])
        for item in found
    ]  # fmt: skip
    columns = ("dataset", "how", "since", "to", "rows", *run.OPS, "proved", "receipt")
    table(f"{into}", columns, rows)


def _source(source: str, key_file: Path | None, into: Path, public_key: str | None, sm2: str | None) -> Source:
    from extracts.client import Client
    from extracts.pull.source import HttpSource, ferried

    if "://" not in source:
        return ferried(Path(source), into, public_key, sm2)
    if key_file is None:
        raise Usage("CH-RUN-003", option="--key-file", detail="a service asks for a key", command="extract pull")
    if not key_file.is_file():
        raise Usage("CH-RUN-003", option="--key-file", detail=f"there is no file {key_file}", command="extract pull")
    key = key_file.read_text(encoding="utf-8").strip()
    if not key or not key.isascii() or any(character.isspace() for character in key):
        raise Stop("CH-CLIENT-002", url=source, detail=f"{key_file} holds no key")
    return HttpSource(Client(source, key))
