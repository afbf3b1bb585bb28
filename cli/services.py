"""Long-running programs: gateway, sandbox, HTTP service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cityhub.clock import yesterday
from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, parse_day, table

gateway_app = typer.Typer(help="Gateways for feeds that are pushed.", no_args_is_help=True)
sandbox_app = typer.Typer(help="The city in a box: eleven platforms on loopback.", no_args_is_help=True)


@gateway_app.command("run")
@guarded
def gateway_run(
    kind: Annotated[str, typer.Argument(help="mqtt, hj212, jt808 or jt809")],
    metrics: Annotated[
        str | None, typer.Option(help="HOST:PORT of /metrics and /health, or off; default loopback, a port of the kind")
    ] = None,
    instance: Annotated[
        int, typer.Option(min=1, help="mqtt: 2, 3, … for further gateways that share the $share/ subscriptions")
    ] = 1,
) -> None:
    """Run one gateway until SIGTERM; then drain, acknowledge and close the spool."""
    from sensors.run import KINDS, run

    if kind not in KINDS:
        raise Usage(
            "CH-RUN-003",
            option="KIND",
            detail=f"{kind!r} is not a gateway; there are {', '.join(KINDS)}",
            command="gateway run",
        )
    if instance > 1 and kind != "mqtt":
        detail = "devices connect to one port; only MQTT gateways share a load"
        raise Usage("CH-RUN-003", option="--instance", detail=detail, command="gateway run")
    from flow.steps import active

    settings = load_settings()
    run(settings, list(active(settings).values()), kind, metrics=metrics, instance=instance)


@gateway_app.command("gaps")
@guarded
def gateway_gaps(
    feed: Annotated[str, typer.Argument(help="name of the feed")],
    day: Annotated[str | None, typer.Option("--day", help="service day, YYYY-MM-DD; default yesterday")] = None,
    interval: Annotated[
        float | None, typer.Option(min=0.001, help="seconds between two messages of a device; default the spec's")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Which devices were silent, and for how long. Exit code 1 when one lacks a message."""
    from cityhub.spec.read import one
    from warehouse.gaps import gaps

    settings = load_settings()
    found = gaps(
        settings, one(settings.feeds, feed), parse_day(day, "gateway gaps") or yesterday(), interval_s=interval
    )
    if json_output:
        as_json(found)
    else:
        columns = ("device", "came", "missing", "longest silence s", "since", "last seen")
        shown = ("came", "missing", "longest_s", "longest_from", "last_seen")
        rows = [(" ".join(map(str, gap.device.values())), *(getattr(gap, name) for name in shown)) for gap in found]
        table(f"{feed}: {len(found)} devices", columns, rows)
    raise typer.Exit(1 if any(gap.missing for gap in found) else 0)


@sandbox_app.command("run")
@guarded
def sandbox_run(
    day: Annotated[str | None, typer.Option(help="service day; default yesterday")] = None,
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 1,
    scale: Annotated[str, typer.Option(help="demo, county or a number")] = "demo",
    records: Annotated[Path | None, typer.Option(help="folder with the public records")] = None,
    home: Annotated[Path | None, typer.Option(help="where it keeps its files")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME=KIND, may be repeated")] = None,
) -> None:
    """Run the eleven platforms until SIGTERM."""
    command = [sys.executable, "-m", "sandbox", "serve", "--seed", str(seed), "--scale", scale]
    command += ["--day", (parse_day(day, "sandbox run") or yesterday()).isoformat()]
    command += ["--home", str(home or load_settings().home / "sandbox")]
    command += ["--records", str(records)] if records else []
    for item in fault or []:
        command += ["--fault", item]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    import signal

    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        raise typer.Exit(process.wait())
    except KeyboardInterrupt:
        process.terminate()
        raise typer.Exit(process.wait()) from None


@guarded
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 8080,
    gov: Annotated[bool, typer.Option("--gov", help="also /gov/v1: appKey, timestamp, signature, errcode")] = False,
) -> None:
    """Serve the publications over HTTP: the ranking page and the extracts, for those who have a key."""
    from serving.app import run

    run(load_settings(), host, port, gov=gov or None)


@guarded
def scheduler(
    port: Annotated[int, typer.Option(help="port of Airflow's page and API")] = 8090,
    paused: Annotated[bool, typer.Option(help="--no-paused: all DAGs run as soon as they are known")] = True,
) -> None:
    """Run Airflow (scheduler, DAG processor, triggerer, page) for this installation until SIGTERM or Ctrl-C."""
    from flow.scheduler import run_standalone

    raise typer.Exit(run_standalone(load_settings(), port=port, paused=paused))
