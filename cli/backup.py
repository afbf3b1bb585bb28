"""`cityhub backup` and `cityhub restore`: save an installation, check what was saved, bring it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table


class TargetFirst(TyperGroup):
    """`cityhub backup TARGET` is `cityhub backup make TARGET`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `make` in front of arguments that begin with no command."""
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Save the installation to a folder or s3://bucket/prefix.", cls=TargetFirst, no_args_is_help=True
)
Target = Annotated[str, typer.Argument(help="a folder, or s3://bucket/prefix")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Which = Annotated[str | None, typer.Option("--backup", help="id of a backup; the newest unless told")]


@app.command("make")
@guarded
def make(
    target: Target,
    with_own_keys: Annotated[
        bool, typer.Option("--with-own-keys", help="also the personal key, sealed with the secret backup_passphrase")
    ] = False,
    json_output: Json = False,
) -> None:
    """Save the installation as it is now, also while a night runs; what is stored already is not stored again."""
    from scoring.publication.manifest import code_version
    from warehouse.backup.make import make as save
    from warehouse.backup.place import place

    made = save(load_settings(), place(target), own_keys=with_own_keys, code=code_version())
    if json_output:
        as_json(made)
        return
    out.print(f"backup {made.id} at {made.address}: {made.files} files, {made.bytes} bytes", markup=False)
    out.print(f"  new there: {made.stored_files} files, {made.stored_bytes} bytes; snapshot {made.snapshot}")
    if made.key_fingerprint and not made.own_keys:
        out.print(
            f"  the personal key {made.key_fingerprint} is NOT in it: keep it elsewhere, or use --with-own-keys",
            markup=False,
        )


@app.command("list")
@guarded
def show(target: Target, json_output: Json = False) -> None:
    """The backups at a place, oldest first."""
    from warehouse.backup import manifest
    from warehouse.backup.place import place

    where = place(target)
    found = [manifest.read(where, name) for name in manifest.ids(where)]
    columns = ("id", "made_at", "code_version", "schema_version", "snapshot", "files", "bytes", "own_keys")
    rows = [
        (b.id, b.made_at, b.code_version, b.schema_version, b.snapshot, len(b.files), b.bytes, b.own_keys is not None)
        for b in found
    ]
    if json_output:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table("backups", columns, rows)


@app.command("verify")
@guarded
def verify(target: Target, backup: Which = None, json_output: Json = False) -> None:
    """Read a backup back and compare every byte with what was saved. Exit code 1 when something differs."""
    from warehouse.backup import manifest
    from warehouse.backup.place import place
    from warehouse.backup.verify import verify as compare

    where = place(target)
    found = compare(where, manifest.read(where, backup))
    if json_output:
        as_json({"id": found.id, "ok": found.ok, "files": found.files, "problems": found.problems})
    else:
        for path, problem in found.problems.items():
            out.print(f"{path}: {problem}", markup=False)
        state = "ok" if found.ok else f"NOT OK: {len(found.problems)} files"
        out.print(f"backup {found.id}: {found.files} files, {found.bytes} bytes, {state}", markup=False)
    raise typer.Exit(0 if found.ok else 1)


@guarded
def restore(
    source: Target,
    backup: Which = None,
    definitions: Annotated[
        Path | None, typer.Option(help="folder for specs, indicators and schemes of then; <home>/restored/<id>")
    ] = None,
    json_output: Json = False,
) -> None:
    """Bring an installation back into an empty CITYHUB_HOME, checked before it can be used. Exit code 1 when the
    personal key is missing."""
    from flow.recovery import problems
    from warehouse.backup import manifest
    from warehouse.backup.place import place
    from warehouse.backup.restore import restore as bring

    where = place(source)
    done = bring(load_settings(), where, manifest.read(where, backup), definitions=definitions, check=problems)
    if json_output:
        as_json(done)
    else:
        out.print(f"restored {done.id}: {done.files} files, {done.bytes} bytes, {done.copied} fetched", markup=False)
        out.print(f"  specs, indicators and schemes of then: {done.definitions}", markup=False)
        if done.key_missing:
            out.print(
                f"  missing: the personal key with fingerprint {done.key_missing}. Without it feeds with hashed fields"
                " stop (CH-PERS-001). Put it into <home>/secrets/personal_key",
                markup=False,
            )
    raise typer.Exit(1 if done.key_missing else 0)
