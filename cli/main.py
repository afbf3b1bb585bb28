"""Entry point of `cityhub`: sub-commands, one module each. Imports stay inside commands, so help is quick."""

from __future__ import annotations

import sys

import typer

from cli import (
    alerts,
    backup,
    conformance,
    data,
    decode,
    dictionary,
    drift,
    emit,
    evidence,
    extract,
    feed_draft,
    feed_workbook,
    feeds,
    handover,
    indicators,
    issues,
    keys,
    night,
    personal,
    plan,
    publish,
    quarantine,
    register,
    report,
    retention,
    runs,
    score_trials,
    scores,
    services,
    silence,
    switch,
    why,
)

app = typer.Typer(
    name="cityhub",
    help="Integration hub: eleven city platforms, one warehouse, indicators, monthly scores.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("nightly")(night.nightly)
app.command("sync")(night.sync)
app.command("backfill")(night.backfill)
app.command("status")(data.status)
app.command("watch")(silence.watch)
app.command("upload")(silence.upload)
app.command("confirm-empty")(silence.confirm_empty)
app.command("sql")(data.sql)
app.command("connect")(data.connect)
app.command("maintain")(data.maintain)
app.command("dictionary")(dictionary.dictionary)
app.add_typer(quarantine.app, name="quarantine")
feeds.app.command("drift")(drift.drift)
for verb in (register.check, register.preview, register.connect, switch.activate, switch.enable, switch.disable,
             switch.diff, switch.plan, conformance.test, conformance.record):  # fmt: skip
    feeds.app.command(verb.__name__)(verb)
feed_draft.register(feeds.app)
feed_workbook.register(feeds.app)
app.add_typer(feeds.app, name="feed")
scores.score_app.command("whatif")(score_trials.whatif)
scores.score_app.command("compare")(score_trials.compare)
app.add_typer(scores.score_app, name="score")
app.add_typer(publish.app, name="publish")
app.add_typer(evidence.app, name="evidence")
app.add_typer(extract.app, name="extract")
app.command("handover")(handover.handover)
app.add_typer(plan.app, name="plan")
app.add_typer(indicators.app, name="indicators")
app.command("apply")(plan.apply)
app.command("why")(why.why)
app.command("why-changed")(why.why_changed)
app.command("report")(report.report)
app.command("ranking")(scores.ranking)
app.command("decode")(decode.decode)
app.add_typer(services.gateway_app, name="gateway")
services.sandbox_app.command("emit")(emit.emit)
app.add_typer(services.sandbox_app, name="sandbox")
app.add_typer(runs.app, name="runs")
app.command("metrics")(runs.metrics)
app.command("deadman")(alerts.deadman)
app.add_typer(alerts.app, name="alerts")
app.add_typer(issues.app, name="issues")
app.command("serve")(services.serve)
app.add_typer(keys.app, name="key")
app.command("scheduler")(services.scheduler)
app.add_typer(personal.app, name="personal")
app.add_typer(retention.app, name="retention")
app.add_typer(backup.app, name="backup")
app.command("restore")(backup.restore)


@app.command("version")
def version() -> None:
    """The version of CityHub."""
    from importlib.metadata import version as of

    sys.stdout.write(of("cityhub") + "\n")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
