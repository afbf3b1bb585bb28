"""`alerts`, `deadman`: what is told to whom, and whether the hub still lives."""

from __future__ import annotations

from typing import Annotated

import typer

from cityhub.errors import HubError, Stop, Usage
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, report, table

app = typer.Typer(help="Alerts: list, check, send, test.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
@guarded
def list_alerts(json_output: Json = False) -> None:
    """Alerts that are open, and messages that wait for delivery. Exit code 1 when a message waits in vain."""
    from flow.notify import outbox, state

    settings = load_settings()
    open_ = state.current(settings)
    waiting = [{"place": place, **content} for place, content in outbox.waiting(settings)]
    if json_output:
        as_json({"open": open_, "waiting": waiting})
    else:
        rows = [(a["alert"]["severity"], a["alert"]["title"], a["first_at"][:16], a["told_at"][:16], a["times"],
                 " ".join(dict.fromkeys(to[0] for to in a["to"]))) for a in open_]  # fmt: skip
        table(f"{len(open_)} open", ("severity", "alert", "since", "told", "times", "channels"), rows)
        if waiting:
            rest = [
                (w["place"], w["channel"], len(w.get("items", [w])), w.get("attempts"), w.get("error")) for w in waiting
            ]
            table(f"{len(waiting)} waiting", ("place", "channel", "alerts", "tries", "why"), rest)
    raise typer.Exit(1 if any(item.get("error") for item in waiting) else 0)


@app.command("check")
@guarded
def check(json_output: Json = False) -> None:
    """What would be told now; nothing is written or sent. Exit code 1 when there is an alert."""
    from flow.notify import conditions, config
    from flow.notify.state import targets_of

    chosen = config.load()
    found, _ = conditions.present(load_settings(), chosen.limits)
    rows = [(alert, targets_of(chosen, alert.kind, alert.severity, alert.department)) for alert in found]
    if json_output:
        as_json([{"alert": alert, "to": [[t.channel, list(t.to)] for t in to]} for alert, to in rows])
    else:
        shown = [(a.severity, a.kind, a.title, a.since, " ".join(t.channel for t in to) or "nobody") for a, to in rows]
        table(f"{len(rows)} alerts", ("severity", "kind", "alert", "since", "goes to"), shown)
    raise typer.Exit(1 if rows else 0)


@app.command("send")
@guarded
def send(
    now: Annotated[bool, typer.Option("--now", help="also what waits for its next try")] = False,
    look: Annotated[bool, typer.Option("--look", help="first look what is wrong now, as the scheduler does")] = False,
    json_output: Json = False,
) -> None:
    """Deliver what waits in the outbox. Exit code 1 when a channel does not take it."""
    from flow.notify import conditions, config, state
    from flow.notify.send import send as deliver

    settings, chosen = load_settings(), config.load()
    if look:
        found, seen = conditions.present(settings, chosen.limits)
        state.update(settings, chosen, found, seen)
    done = deliver(settings, chosen, now=now)
    if json_output:
        as_json(done)
    else:
        out.print(f"{done.sent} messages with {done.alerts} alerts sent, {done.waiting} waiting")
        for name, problem in done.problems.items():
            out.print(f"  {name}: {problem}", markup=False)
    raise typer.Exit(1 if done.problems else 0)


@app.command("test")
@guarded
def test(channel: Annotated[str, typer.Argument(help="name in alerts.yaml")], json_output: Json = False) -> None:
    """Send one test message by a channel, at once, past the outbox."""
    from cityhub import clock
    from flow.notify import config
    from flow.notify.message import compose
    from flow.notify.outbox import digest
    from flow.notify.send import deliver

    settings, chosen = load_settings(), config.load()
    if channel not in chosen.channels:
        near = ", ".join(chosen.channels) or "no channel"
        raise Usage("CH-ALERT-005", channel=channel, file=str(config.file()), near=near)
    at = clock.now().isoformat()
    content = {"title": "测试消息", "lines": [f"通道 {channel} 可用，{at[:16].replace('T', ' ')}", "无需处理"]}
    item = {"id": digest("test", channel, at), "event": "test", "content": content, "created_at": at}
    deliver(settings, channel, chosen.channels[channel], compose({"id": item["id"], "items": [item]}), [])
    if json_output:
        as_json({"channel": channel, "sent": True})
    else:
        out.print(f"{channel} took the message")


@guarded
def deadman(
    max_hours: Annotated[float, typer.Option("--max-hours", min=0.1, help="hours since the last published night")] = 26,
    url: Annotated[
        str | None, typer.Option(help="/metrics of a hub elsewhere; default this installation's files")
    ] = None,
    json_output: Json = False,
) -> None:
    """Exit code 1, and an alert, when no night was published for too long. For cron, best on another machine."""
    from flow.notify import conditions, config, state
    from flow.notify.send import send as deliver
    from flow.observe import deadman as dead

    settings, chosen = load_settings(), config.load()
    problem: HubError | None = None
    last = None
    try:
        last = dead.last_night_of(url) if url else dead.last_night(settings)
        dead.check(last, max_hours)
    except HubError as error:  # a hub that does not answer is as dead as one that is late
        problem = error
    at = last.isoformat() if last else None
    alerts = list(conditions.silent_since(at, max_hours)) if problem is None or isinstance(problem, Stop) else []
    if problem is not None and not alerts:
        alerts = [conditions.unreachable(problem)]
    state.update(settings, chosen, alerts, {conditions.DEADMAN})
    done = deliver(settings, chosen) if chosen.channels else None
    if json_output:
        told = {"sent": done.sent, "waiting": done.waiting} if done else None
        as_json({"last": at, "alive": problem is None, "error": problem.as_dict() if problem else None, "alerts": told})
    elif problem is None:
        out.print(f"alive: the last night was published at {at[:16] if at else '?'}", markup=False)
    else:
        report(problem)
    raise typer.Exit(1 if problem else 0)
