"""`cityhub feed drift`: what changed about the columns of sources, and the change of the spec that follows."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from cityhub.errors import Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table


@guarded
def drift(
    feed: Annotated[str | None, typer.Argument(help="feed name; none: all")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="take the suggestions of this feed into its file")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Open drift of columns with suggested spec changes. Exit code 1 when there is any (0 when it was applied)."""
    from cityhub.spec.read import one
    from warehouse import lake
    from warehouse.drift_apply import apply as write
    from warehouse.findings import stored

    settings = load_settings()
    if apply and feed is None:
        raise Usage("CH-RUN-003", option="--apply", detail="needs the name of one feed", command="feed drift")
    if feed is not None:
        one(settings.feeds, feed)
    with closing(lake.connect(settings, read_only=True)) as con:
        found = stored(con, feed=feed, origin="drift")
    if apply and feed is not None:
        done = write(settings.feeds / f"{feed}.yaml", found)
        if json_output:
            as_json(done)
            return
        for name in done.taken:
            out.print(f"{name}: written to {done.file}", markup=False)
        for name in done.known:
            out.print(f"{name}: {done.file} has it already", markup=False)
        out.print(f"next: cityhub feed check {feed}, then cityhub quarantine replay --feed {feed} --dry-run")
        return
    if json_output:
        as_json(found)
    else:
        rows = [(f.feed, f.service_day, f.kind, f.subject, f.detail, f.observed, f.row_count, f.owner) for f in found]
        table("drift", ("feed", "day", "kind", "column", "what", "now", "rows", "owner"), rows)
        for item in found if feed is not None else ():
            out.print(item.suggestion or f"# {item.kind}:{item.subject}: no change to suggest", markup=False)
    raise typer.Exit(1 if found else 0)
