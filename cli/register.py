"""`cityhub feed check | preview | connect | activate | enable | disable | diff | plan`: registering a feed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cityhub.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE
from cityhub.settings import load as load_settings
from cli.output import as_json, err, guarded, out, parse_day, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Day = Annotated[str | None, typer.Option("--day", help="service day YYYY-MM-DD; default yesterday")]


@guarded
def check(
    feeds: Annotated[
        list[str] | None, typer.Argument(help="feed names or files; none: all active and inactive")
    ] = None,
    connection: Annotated[bool, typer.Option("--connect", help="also try the way to the source, as `connect`")] = False,
    json_output: Json = False,
) -> None:
    """Every mistake of the named specs at once: file, line, what to type. Exit code 2 with errors, 1 with warnings."""
    from flow.register.check import check as check_files
    from flow.register.files import find

    folder = load_settings().feeds
    paths = [find(folder, name) for name in feeds] if feeds else sorted(folder.glob("*.yaml"))
    checked = check_files(paths, folder)
    problems = [item for one in checked for item in one.problems]
    errors = sum(len(one.errors) for one in checked)
    if json_output and not connection:
        as_json({"files": len(checked), "errors": errors, "warnings": len(problems) - errors,
                 "problems": [item.as_dict() for item in problems]})  # fmt: skip
    else:
        for item in problems:
            out.print(item.text(), markup=False)
        for one in checked if len(checked) > 1 or not problems else ():
            if not one.problems and len(checked) <= 5:
                out.print(f"{one.path}: good", markup=False)
        if len(checked) > 1:
            out.print(f"{len(checked)} specs, {errors} errors, {len(problems) - errors} warnings")
    code = EXIT_USAGE if errors else EXIT_FINDINGS if problems else EXIT_OK
    if connection and not errors:
        for one in checked:
            code = max(code, _connected(one.path, None, json_output))
    raise typer.Exit(code)


@guarded
def connect(
    feed: Annotated[str, typer.Argument(help="feed name, or a draft's file")],
    day: Day = None,
    json_output: Json = False,
) -> None:
    """Try the way to the source in steps: address, DNS, TCP, TLS, login, first row. Nothing is written."""
    from flow.register.files import find

    raise typer.Exit(_connected(find(load_settings().feeds, feed), day, json_output))


def _connected(path: Path, day: str | None, json_output: bool) -> int:
    from flow.register.connection import steps
    from flow.register.files import readable

    spec, found, code = readable(path), [], EXIT_OK
    for step in steps(load_settings(), spec, parse_day(day, "cityhub feed connect")):
        found.append(step)
        if not json_output:
            mark = "ok" if step.ok else "FAILED"
            out.print(f"{step.name:<12} {mark:<7} {step.ms:>7.0f} ms  {step.said}", markup=False)
        if step.error is not None:
            code = step.error.exit_code
            if not json_output:
                err.print(step.error.text(), markup=False)
    if json_output:
        as_json({"feed": spec.feed, "ok": code == EXIT_OK, "steps": [step.as_dict() for step in found]})
    return code


@guarded
def preview(
    feed: Annotated[str, typer.Argument(help="feed name, or a draft's file")],
    day: Day = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=50, help="at most so many rows")] = 50,
    listen: Annotated[float, typer.Option("--listen", help="MQTT: listen so many seconds")] = 5.0,
    json_output: Json = False,
) -> None:
    """Fetch a few rows: as received, as mapped, verdict. Nothing is written. Exit code 1 when the spec needs a look."""
    from flow.register.files import find, readable
    from flow.register.preview import preview as fetch
    from flow.register.shown import as_table, as_value

    settings = load_settings()
    spec = readable(find(settings.feeds, feed))
    found = fetch(settings, spec, parse_day(day, "cityhub feed preview"), rows=rows, listen_s=listen)
    if json_output:
        as_json(as_value(found))
    else:
        title, columns, lines = as_table(found, "\n" if out.is_terminal else "; ")
        table(title, columns, lines)
        for line in [*found.trial.bad_lines, *found.findings]:
            out.print(line, markup=False)
        for hint in found.advice:
            out.print(f"{hint.code}: {hint.part('what')}\n    why: {hint.part('why')}", markup=False)
            out.print(f"    fix: {hint.part('fix')}", markup=False)
    raise typer.Exit(EXIT_FINDINGS if found.advice or found.trial.bad_lines else EXIT_OK)
