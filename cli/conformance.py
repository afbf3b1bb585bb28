"""`cityhub feed test | record`: the conformance suite of a feed, and the sample that it plays."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhub.errors import EXIT_FINDINGS, EXIT_OK
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
MARKS = {"passed": "passed", "failed": "FAILED", "not_applicable": "–"}


@guarded
def test(
    feeds: Annotated[list[str] | None, typer.Argument(help="feed names")] = None,
    every: Annotated[bool, typer.Option("--all", help="all feeds")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="this case; may stand several times")] = None,
    json_output: Json = False,
) -> None:
    """What every feed has to keep, tried offline in a throw-away hub from its sample. Exit code 1 when a case fails."""
    from cityhub.errors import Usage
    from cityhub.spec.read import read_all, read_spec
    from conformance.run import run_all
    from flow.register.files import find

    settings = load_settings()
    if bool(feeds) == every:
        raise Usage("CH-RUN-003", option="FEED", detail="name feeds, or --all", command="feed test")
    specs = (
        list(read_all(settings.feeds).values()) if every else [read_spec(find(settings.feeds, f)) for f in feeds or []]
    )
    results = []
    for result in run_all(settings, specs, only=only):
        results.append(result)
        if not json_output:
            line = f"{result.feed}  {result.case}: {MARKS[result.outcome]}  {result.detail}"
            out.print(line, markup=False)
            if result.outcome == "failed":
                out.print(f"    the promise: {result.promise}\n    concerns: {result.concerns}", markup=False)
    failed = sum(result.outcome == "failed" for result in results)
    if json_output:
        as_json({"failed": failed, "results": results})
    else:
        passed = sum(result.outcome == "passed" for result in results)
        table("result", ("passed", "failed", "not applicable"), [(passed, failed, len(results) - passed - failed)])
    raise typer.Exit(EXIT_FINDINGS if failed else EXIT_OK)


@guarded
def record(
    feed: Annotated[str, typer.Argument(help="feed name")],
    rows: Annotated[int, typer.Option("--rows", min=1, max=5000, help="at most so many")] = 200,
    day: Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD; none: yesterday")] = None,
    json_output: Json = False,
) -> None:
    """Record a sample from the real source into feeds/samples/FEED: values of people replaced, no secret."""
    from cityhub.clock import yesterday
    from cityhub.spec.read import read_spec
    from conformance.record import record as write
    from flow.register.files import find

    settings = load_settings()
    done = write(
        settings, read_spec(find(settings.feeds, feed)), parse_day(day, "feed record") or yesterday(), rows=rows
    )
    if json_output:
        as_json(done)
    else:
        out.print(f"{done.rows} rows of {done.service_day} in {done.folder}; look them through before they are shared")
