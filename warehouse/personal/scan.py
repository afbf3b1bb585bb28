"""The scanner: each load looks whether an unmarked column holds personal data, and suggests what to write.

Cheap, because it looks at a sample of the staged rows and asks the engine for candidates only; columns that the
spec does not know are sampled from the landed bytes. A finding names column, count and shape, never a value.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields as names_of
from datetime import date
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec import edit
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from warehouse import findings, ledger
from warehouse.findings import Finding
from warehouse.landing import Manifest
from warehouse.names import identifier, literal
from warehouse.personal import samples
from warehouse.personal.look import CANDIDATE, KINDS, Suspect, judge, may_be_names, suspects
from warehouse.stage import Staged

SAMPLE = 20_000
_SCANNED = {"text", "integer"}  # a number of eleven digits may have been taken for one


def staged(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, stage: Staged) -> list[Suspect]:
    """Suspicious columns of the staged delivery, by source name. The caller is inside `stage.staged`."""
    if not stage.rows:
        return []
    today = clock.now().date()
    open_fields = {n: f for n, f in spec.fields.items() if f.personal == "no" and f.type in _SCANNED and not f.codes}
    found: list[Suspect] = []
    if open_fields:
        picks = []
        for name in open_fields:
            text = f"CAST({identifier(name)} AS VARCHAR)"
            people = f"strlen({text}) BETWEEN 6 AND 36"  # in bytes: two to twelve characters
            which = people if may_be_names(_names(spec, name)) else f"regexp_matches({text}, {literal(CANDIDATE)})"
            picks.append(f"count({text}), list({text}) FILTER ({which})")
        step = max(1, stage.rows // SAMPLE)
        row = con.execute(f"SELECT {', '.join(picks)} FROM temp.hub_stage WHERE rowid % {step} = 0").fetchone() or ()
        for number, name in enumerate(open_fields):
            of, texts = int(row[2 * number]), list(row[2 * number + 1] or [])
            suspect = judge(spec.fields[name].source, _names(spec, name), texts, of, today) if texts else None
            found += [suspect] if suspect else []
    known = {item.source.split(".", 1)[0] for item in spec.fields.values()} | {f.source for f in spec.fields.values()}
    strangers = [name for name in stage.columns if name not in known and not name.startswith("_")]
    if strangers:
        sampled = samples.of_delivery(manifest, option_of(spec, manifest))
        unknown = {n: v for n, v in sampled.items() if n.split(".", 1)[0] in strangers or n in strangers}
        found += suspects(unknown, today)
    return found


def option_of(spec: FeedSpec, manifest: Manifest) -> object:
    """How a delivery's parts are read: the manifest's word, else the spec's."""
    return lambda name: manifest.options.get(name) or getattr(spec.source, name, None)


def _names(spec: FeedSpec, name: str) -> str:
    item = spec.fields[name]
    return f"{item.source} {name} {item.title or ''}"


def landed(spec: FeedSpec, manifest: Manifest) -> list[Suspect]:
    """Suspicious columns in a sample of a landed delivery, declared or not; protected ones are none."""
    marked = {item.source for item in spec.fields.values() if item.personal != "no"} | set(manifest.protected)
    sampled = samples.of_delivery(manifest, option_of(spec, manifest))
    titles = {item.source: f"{name} {item.title or ''}" for name, item in spec.fields.items()}
    return suspects({n: v for n, v in sampled.items() if n not in marked}, clock.now().date(), titles)


def file(path: Path, *, encoding: str, delimiter: str, header_row: int, record: str) -> list[Suspect]:
    """Suspicious columns of a file that somebody has; raises `Stop` CH-PERS-005 for a kind that is not known."""
    form = samples.SUFFIXES.get(path.suffix.lower())
    if form is None or not path.is_file():
        raise Stop("CH-PERS-005", file=str(path), kinds=", ".join(samples.SUFFIXES))
    options = {"encoding": encoding, "delimiter": delimiter, "header_row": header_row, "record": record}
    return suspects(samples.by_column(samples.of_file(path, form, options.get)), clock.now().date())


def as_findings(settings: Settings, spec: FeedSpec, found: Iterable[Suspect]) -> list[Finding]:
    """Suspicions as findings, each with the change of the spec that it asks for."""
    return [
        Finding(
            kind="unmarked_personal",
            severity="info" if item.kind == "old_id_card" else "warning",
            subject=item.column,
            detail=f"the column {item.column} seems to hold {KINDS[item.kind]} and is not marked personal",
            observed=f"{item.values} of {item.of} values, like {item.shape}",
            expected="personal: hash, mask or drop",
            row_count=item.values,
            suggestion=suggestion(settings, spec, item.column),
        )
        for item in found
    ]


def suggestion(settings: Settings, spec: FeedSpec, column: str) -> str | None:
    """The change of the spec's file as a unified diff: `personal: mask` for a field that reads the column, a new
    field that drops it where none does. None when the file is not there or of a shape that cannot be edited."""
    path = settings.feeds / f"{spec.feed}.yaml"
    if not path.is_file():
        return None
    names = [name for name, item in spec.fields.items() if item.source == column]
    before = after = edit.read_text(path)
    try:
        for name in names:
            after = edit.put(after, ("fields", name, "personal"), "mask", file=path)
        if not names:
            plain = "".join(char if char.isascii() and char.isalnum() else "_" for char in column.lower()).strip("_")
            name = plain if plain[:1].isalpha() and plain not in spec.fields else f"personal_{len(spec.fields) + 1}"
            after = edit.put(after, ("fields", name), {"from": column, "personal": "drop"}, file=path)
    except Stop:
        return None
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, f"a/feeds/{path.name}", f"b/feeds/{path.name}")) or None


def record(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, day: date, load_id: str, found: list[Suspect]
) -> None:
    """Bring the findings of a feed's day to what was found, in the caller's write transaction; those of earlier days
    about columns that are marked by now close. A pushed feed brings a day in many parts: they add up."""
    stored = findings.stored(con, feed=spec.feed, origin="personal")
    if not found and not stored:
        return
    new = as_findings(settings, spec, found)
    marked = {item.source for item in spec.fields.values() if item.personal != "no"}
    keys = {item.name for item in names_of(Finding)}
    for other in {item.service_day for item in stored} | {day}:
        kept = [item for item in stored if item.service_day == other and item.subject not in marked]
        subjects = {item.subject for item in new}
        old = [Finding(**{k: getattr(item, k) for k in keys}) for item in kept if item.subject not in subjects]
        if other != day:
            wanted = [Finding(**{k: getattr(item, k) for k in keys}) for item in kept]
        else:
            wanted = [*new, *(old if spec.source.kind in PUSHED else [])]
        findings.record(
            con, wanted, feed=spec.feed, day=other, origin="personal", owner=ledger.owner(spec), load_id=load_id
        )
