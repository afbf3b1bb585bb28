"""`status`, `sql`, `connect`, `maintain`: looking at what is in the warehouse."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, parse_day, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Day = Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD")]


@guarded
def status(
    feed: Annotated[str | None, typer.Argument(help="the last 30 days of this feed")] = None,
    day: Day = None,
    json_output: Json = False,
) -> None:
    """What is missing, since when, and whose move it is. Exit code 1 when something needs action."""
    from cli.screens import print_days, print_status

    wanted = parse_day(day, "status")
    if feed is not None:
        from warehouse.feed_days import feed_days

        days = feed_days(load_settings(), feed, wanted)
        as_json(days) if json_output else print_days(days)
        return
    from warehouse.status import status as of_day

    found = of_day(load_settings(), wanted)
    as_json(found) if json_output else print_status(found)
    raise typer.Exit(1 if found.actions else 0)


@guarded
def sql(
    query: Annotated[str, typer.Argument(help="a SELECT over the public views; - reads standard input")],
    json_output: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="print CSV")] = False,
) -> None:
    """Read the warehouse with SQL; a running night neither blocks it nor shows half of itself."""
    from warehouse.query import run_sql

    result = run_sql(load_settings(), sys.stdin.read() if query == "-" else query)
    if json_output:
        as_json([dict(zip(result.columns, row, strict=True)) for row in result.rows])
    elif csv:
        import csv as writer

        lines = writer.writer(sys.stdout)
        lines.writerow(result.columns)
        lines.writerows(result.rows)
    else:
        table(f"{len(result.rows)} rows", result.columns, result.rows)


@guarded
def connect() -> None:
    """Print the SQL with which an analyst's own DuckDB reads the warehouse."""
    from duckdb import __version__ as engine

    from warehouse import extensions, lake

    settings = load_settings()
    folder = extensions.directory(settings)
    out.print(
        f"-- start DuckDB {engine} with extension_directory = '{folder}'\n"
        f"LOAD ducklake;\n{lake.attach_sql(settings, read_only=True)};\nUSE lake;",
        markup=False,
    )


@guarded
def maintain() -> None:
    """Merge small files, expire old snapshots, remove files that nothing refers to."""
    from warehouse.maintain import maintain as run

    as_json(run(load_settings()))
