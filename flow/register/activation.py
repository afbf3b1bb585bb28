"""Switching feeds on and off: a draft becomes a feed only when nothing is missing; every edit keeps the comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from cityhub import clock
from cityhub.errors import HubError, Stop, Usage
from cityhub.files import write_text
from cityhub.lint.problem import Problem
from cityhub.settings import Settings
from cityhub.spec.edit import put, read_text
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import parse_spec
from flow.register.check import Checked, check
from flow.register.compare import changes_data, loaded_or_none
from flow.register.effect import DAYS, Effect, effect
from flow.register.examples import outcomes


@dataclass(frozen=True)
class Activated:
    """What was done: `effect` is None where no delivery is archived or nothing that changes data was changed."""

    spec: FeedSpec
    path: Path
    moved_from: Path | None
    effect: Effect | None
    next: tuple[str, ...] = field(default_factory=tuple)


def activate(settings: Settings, path: Path, *, replace: bool = False, days: int = DAYS) -> Activated:
    """Move a draft into the feeds folder and set `active: true`, in one write of one file.

    Raises `Usage` CH-REG-055 with all reasons at once (`problems` lists them), CH-REG-058 for a draft of a feed that
    runs, unless it is to `replace` it; then nothing has changed.
    """
    checked = _ready(settings, path)
    assert checked.spec is not None
    target = settings.feeds / f"{checked.spec.feed}.yaml"
    moved = path.resolve() != target.resolve()
    if moved and target.is_file() and not replace:
        raise Usage("CH-REG-058", feed=checked.spec.feed, file=str(path))
    changed = effect_of(settings, checked.spec, days=days)
    text = put(read_text(path), "active", True, file=path)
    text = text.replace(SCHEMA_OF_DRAFT, SCHEMA_OF_FEED, 1)
    write_text(target, text, sync=True)
    if moved:
        path.unlink()
    spec = parse_spec(target)
    return Activated(spec, target, path if moved else None, changed, tuple(what_comes(spec)))


SCHEMA_OF_DRAFT, SCHEMA_OF_FEED = "$schema=../feed.schema.json", "$schema=./feed.schema.json"


def _ready(settings: Settings, path: Path) -> Checked:
    (checked,) = check([path], settings.feeds)
    refused = reasons(checked)
    if refused:
        raise _refusal(path, refused)
    return checked


def _refusal(path: Path, refused: list[Problem]) -> Usage:
    error = Usage("CH-REG-055", feed=path.stem, count=len(refused), detail="; ".join(_short(item) for item in refused))
    error.problems = [item.as_dict() for item in refused]  # type: ignore[attr-defined]  # printed with --json
    return error


def _short(item: Problem) -> str:
    return f"line {item.line} {item.key}: {item.error.part('what')}".replace("  ", " ")


def reasons(checked: Checked) -> list[Problem]:
    """Why a spec cannot be switched on: its errors, and what a running feed must say of itself."""
    found = list(checked.errors)
    document = checked.document
    if document is None:
        return found

    def lacks(key: str, what: str, typed: str) -> None:
        line = document.line(tuple(key.split("."))) if document else 1
        if not any(item.key.startswith(key) for item in found):
            error = Usage("CH-REG-056", file=str(checked.path), line=line, key=key, what=what, typed=typed)
            found.append(Problem(error, str(checked.path), line, key))

    for key, example in (("department", "县住房和城乡建设局"), ("person", "张三"), ("phone", '"0371-00000000"')):
        if not _told(document.get("owner", key)):
            lacks(f"owner.{key}", f"an owner's {key}", f"owner: {{{key}: {example}}}")
    if not _told(document.get("arrives", "expected_by")):
        lacks("arrives.expected_by", "the time by which a delivery is expected", 'arrives: {expected_by: "06:00"}')
    if document.count("examples") == 0 or (checked.spec is not None and not _one_passes(checked.spec)):
        lacks("examples", "an example that passes", "examples: [{given: {…}, expect: {…}}]")
    return found


def _told(value: object) -> bool:
    """Whether somebody wrote something: a dash or question marks are no name."""
    return bool(re.search(r"\w", str(value))) if value is not None else False


def _one_passes(spec: FeedSpec) -> bool:
    """At least one example that shows a loaded row; one that only shows a refusal would hold for an empty mapping."""
    try:
        found = outcomes(spec)
    except HubError:  # told as an error of the check already
        return True
    return any(item.good and spec.examples[item.number - 1].expect for item in found)


def effect_of(settings: Settings, spec: FeedSpec, *, days: int = DAYS) -> Effect | None:
    """What the spec would change in archived deliveries, against that with which the newest one was loaded, else
    against the feed of that name as it is."""
    old = loaded_or_none(settings, spec.feed)
    present = settings.feeds / f"{spec.feed}.yaml"
    if old is None and present.is_file():
        try:
            old = parse_spec(present)
        except Stop:
            return None
    if old is None or not changes_data(old, spec):
        return None
    found = effect(settings, old, spec, days=days)
    return found if found.days else None


def what_comes(spec: FeedSpec) -> list[str]:
    """What happens next, for the person who switched the feed on."""
    from cityhub.spec.source import PUSHED

    pushed = spec.source.kind in PUSHED
    night = clock.now().date()
    first = "a gateway must run: `cityhub gateway run`" if pushed else f"pulled by cron “{spec.arrives.schedule}”"
    return [
        f"DAG feed.{spec.feed} appears with the scheduler's next look at the feeds folder ({first})",
        f"table {spec.table} is made at the first load",
        f"first service day {night}, expected by {spec.arrives.expected_by} on the day after; then it counts as late",
        f"at once: `cityhub sync {spec.feed}` brings yesterday, `cityhub status` shows it,"
        f" `cityhub quarantine list --feed {spec.feed}` what was refused",
    ]


def enable(settings: Settings, path: Path, *, who: str) -> bool:
    """Switch a feed on that is ready, as `activate` asks; False when it runs already."""
    if parse_spec(path).active:
        return False
    _ready(settings, path)
    _switch(path, True, f"switched on {clock.now():%Y-%m-%d %H:%M} by {who}")
    return True


def disable(path: Path, *, who: str, why: str) -> bool:
    """Switch a feed off; who, when and why stay in the file as a comment. False when it is off already.

    Raises `Usage` CH-REG-057 without a reason.
    """
    if not _told(why):
        raise Usage("CH-REG-057", feed=path.stem)
    if not parse_spec(path).active:
        return False
    _switch(path, False, f"switched off {clock.now():%Y-%m-%d %H:%M} by {who}: {' '.join(why.split())[:300]}")
    return True


def _switch(path: Path, on: bool, note: str) -> None:
    write_text(path, _noted(put(read_text(path), "active", on, file=path), note), sync=True)


def _noted(text: str, note: str) -> str:
    """The note as a comment line above `active`."""
    newline = "\r\n" if "\r\n" in text else "\n"
    return re.sub(r"(?m)^(active\s*:)", lambda match: f"# {note}{newline}{match[1]}", text, count=1)
