"""`cityhub feed activate | enable | disable | diff | plan`: from a draft to a feed that runs, and what changes."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cityhub.errors import EXIT_FINDINGS, EXIT_OK, HubError
from cityhub.settings import load as load_settings
from cli.output import as_json, guarded, out, table

Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Days = Annotated[int, typer.Option("--days", min=1, max=400, help="so many days of archived deliveries")]
Feed = Annotated[str, typer.Argument(help="feed name, or a draft's name or file")]


@guarded
def activate(
    feed: Feed,
    replace: Annotated[bool, typer.Option("--replace", help="the draft takes the place of the feed")] = False,
    days: Days = 7,
    json_output: Json = False,
) -> None:
    """Make a draft a feed. Refused, with all reasons, without owner, expected-by time and an example that passes."""
    from flow.register.activation import activate as switch_on
    from flow.register.files import find

    settings = load_settings()
    with _reasons_told(json_output):
        done = switch_on(settings, find(settings.feeds, feed, draft=True), replace=replace, days=days)
    if json_output:
        as_json({"feed": done.spec.feed, "file": str(done.path), "effect": _value(done.effect), "next": done.next})
        return
    out.print(f"{done.spec.feed} is active: {done.path}", markup=False)
    _print_effect(done.effect)
    for line in done.next:
        out.print(f"- {line}", markup=False)


@contextmanager
def _reasons_told(json_output: bool) -> Iterator[None]:
    """Print each reason of a refusal with its place and what to type, before the refusal itself."""
    try:
        yield
    except HubError as error:
        for item in [] if json_output else getattr(error, "problems", []):
            place = f"{item['file']}:{item['line']}: {item['key']}".rstrip(": ")
            out.print(f"{place}: {item['what']}\n    fix: {item['fix']}", markup=False)
        raise


@guarded
def enable(feed: Feed, json_output: Json = False) -> None:
    """Switch a feed on that is ready. Comments in the file stay."""
    from flow.register.activation import effect_of
    from flow.register.activation import enable as switch_on
    from flow.register.files import find

    settings = load_settings()
    path = find(settings.feeds, feed)
    with _reasons_told(json_output):
        changed = switch_on(settings, path, who=getpass.getuser())
    _told(feed, changed, "on", json_output)
    if changed and not json_output:
        from cityhub.spec.read import parse_spec

        _print_effect(effect_of(settings, parse_spec(path)))


@guarded
def disable(
    feed: Feed,
    why: Annotated[str, typer.Option("--why", help="the reason; it stays in the file")] = "",
    json_output: Json = False,
) -> None:
    """Switch a feed off; who, when and why are noted in the file as a comment. What is loaded stays."""
    from flow.register.activation import disable as switch_off
    from flow.register.files import find

    changed = switch_off(find(load_settings().feeds, feed), who=getpass.getuser(), why=why)
    _told(feed, changed, "off", json_output)


def _told(feed: str, changed: bool, state: str, json_output: bool) -> None:
    if json_output:
        as_json({"feed": feed, "active": state == "on", "changed": changed})
    else:
        out.print(f"{feed} is {state}" + ("" if changed else " already"), markup=False)


@guarded
def diff(
    feed: Feed,
    other: Annotated[str | None, typer.Argument(help="another feed or file; none: the spec of the newest load")] = None,
    git: Annotated[bool, typer.Option("--git", help="against the last commit")] = False,
    loaded: Annotated[bool, typer.Option("--loaded", help="against the spec of the newest load (default)")] = False,
    json_output: Json = False,
) -> None:
    """What changed in a spec, key by key, and what of it changes data. Exit code 1 when there is a difference."""
    from cityhub.spec.read import parse_spec
    from flow.register import compare
    from flow.register.files import find

    settings = load_settings()
    path = find(settings.feeds, feed)
    new = parse_spec(path)
    if other is not None and not loaded:
        old, against = new, feed
        new = parse_spec(find(settings.feeds, other))
    elif git:
        old, against = compare.committed(path), "git"
    else:
        old, against = compare.loaded(settings, new.feed), "newest load"
    found = compare.changes(old, new)
    data = compare.changes_data(old, new)
    if json_output:
        as_json({"feed": new.feed, "against": against, "changes_data": data, "changes": [vars(item) for item in found]})
    elif not found:
        out.print(f"no difference to {against}")
    else:
        table(f"{new.feed} against {against}", ("key", "before", "after", "changes"), compare.lines(found))
        out.print(
            "deliveries that are loaded again may give other rows: see `cityhub feed plan`"
            if data
            else "no row changes by this",
            markup=False,
        )
    raise typer.Exit(EXIT_FINDINGS if found else EXIT_OK)


@guarded
def plan(feed: Feed, days: Days = 7, json_output: Json = False) -> None:
    """What a spec would bring: table, columns, DAG, indicators, and what of the archived deliveries would change."""
    from flow.register.files import find, readable
    from flow.register.plan import plan as look_ahead

    settings = load_settings()
    found = look_ahead(settings, readable(find(settings.feeds, feed, draft=True)), days=days)
    if json_output:
        as_json(found.as_dict())
    else:
        out.print(f"table: {found.table}", markup=False)
        if found.error is not None:
            out.print(found.error.text(), markup=False)
        table("new columns", ("column", "type"), list(found.columns.items()))
        out.print(f"indicators that read it: {', '.join(found.indicators) or 'none yet'}", markup=False)
        _print_effect(found.effect)
        for line in found.next:
            out.print(f"- {line}", markup=False)
    raise typer.Exit(found.error.exit_code if found.error else EXIT_OK)


def _value(effect: Any) -> Any:
    return effect.as_dict() if effect is not None else None


def _print_effect(effect: Any) -> None:
    if effect is None:
        out.print("archived deliveries: none, or nothing changes in them")
        return
    out.print(
        f"archived deliveries {effect.days[0]} to {effect.days[-1]}, {effect.rows} rows: {effect.refused_rows} newly"
        f" refused, {effect.released_rows} released, {effect.changed_rows} changed",
        markup=False,
    )
    for (reason, field), count in effect.refused.most_common(8):
        out.print(f"  refused: {reason} ({field}): {count}", markup=False)
    if effect.samples:
        table("changed values", ("row", "column", "now", "then"), effect.samples)
    for day, error in effect.errors:
        out.print(f"  {day}: {error.part('what')}; {error.part('fix')}", markup=False)
