"""A drift as a change of the spec that one can apply: a unified diff of `feeds/<feed>.yaml`.

The first edit that gives a valid spec is the suggestion; None where the file is not there, cannot be changed safely,
or nobody could say what to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import duckdb

from cityhub.settings import Settings
from cityhub.spec import amend, patch
from cityhub.spec.feed import FeedSpec
from warehouse.compile import needed
from warehouse.compile_types import typed
from warehouse.readers import relation
from warehouse.stage import Staged

SAMPLE, MOST = 1000, 0.95
Edit = Callable[[str], str | None]
# Other ways to read values, in the order in which they are tried; a format keeps the stored type.
TIMES = ("iso", "compact", "epoch_ms", "epoch_s", "us", "excel")
NOTE = "new in the source: check name, type and unit"


class Suggest:
    """Suggestions for one feed; the file is read once, and only when there is a drift."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec) -> None:
        self.con, self.spec = con, spec
        self.path = settings.feeds / f"{spec.feed}.yaml"
        self._text: str | None = None
        self._found: dict[str, tuple[str, str] | None] = {}

    def rename(self, names: list[str], new: str) -> str | None:
        """Read these fields from another column."""
        return self._first([lambda text: self._renamed(text, names, new)])

    def missing(self, names: list[str], near: str | None, *, must: bool) -> str | None:
        """Read the likely new name; else leave the field out where nothing else speaks of it; else let its rows wait
        where the feed would stop."""
        edits: list[Edit] = []
        if near is not None:
            edits.append(lambda text: self._renamed(text, names, near))
        elif not must and not any(name in (item.expect or {}) for item in self.spec.examples for name in names):
            edits.append(lambda text: _chain(text, [partial(amend.remove_field, name=name) for name in names]))
        edits.append(lambda text: amend.set_contract(text, "missing", "quarantine"))
        return self._first(edits)

    def added(self, name: str) -> str | None:
        """One more field, named after the column."""
        return self._first([lambda text: amend.add_field(text, self._free(name), name, NOTE)])

    def retype(self, stage: Staged, name: str) -> str | None:
        """Another type or format where most values fit it and the table can hold it; else the values are emptied;
        else the feed stops, since every row needs the field."""
        found = self._kind(stage, name)
        edits: list[Edit] = []
        if found is not None:
            key, value = found
            if key == "format":
                edits.append(lambda text: amend.set_key(text, name, key, value))
        if not needed(self.spec, name) and self.spec.fields[name].if_bad != "null":
            edits.append(lambda text: amend.set_key(text, name, "if_bad", "null"))
        edits.append(lambda text: amend.set_contract(text, "retyped", "stop"))
        return self._first(edits)

    def kind(self, stage: Staged, name: str) -> str | None:
        """What the values look like now: a type, or `timestamp <format>`."""
        found = self._kind(stage, name)
        if found is None:
            return None
        return found[1] if found[0] == "type" else f"{self.spec.fields[name].type} {found[1]}"

    def _kind(self, stage: Staged, name: str) -> tuple[str, str] | None:
        if name not in self._found:
            self._found[name] = self._sampled(stage, name)
        return self._found[name]

    def _sampled(self, stage: Staged, name: str) -> tuple[str, str] | None:
        job, own = stage.job, stage.job.spec.fields[name]
        tries = {("type", kind): own.model_copy(update={"type": kind}) for kind in ("integer", "double", "boolean")}
        if own.type in {"timestamp", "date"}:
            tries = {("format", form): own.model_copy(update={"format": form}) for form in TIMES} | tries
        else:
            tries[("type", "timestamp")] = own.model_copy(update={"type": "timestamp", "format": "iso"})
        tries.pop(("type", own.type), None)
        tries.pop(("format", own.format), None)
        counts = ", ".join(f"count({typed(field, 's', str(job.option('decimal') or '.'))})" for field in tries.values())
        known, said = list(job.rejects), dict(job.columns)
        column = f"s{job.sources.index(own.source)}"
        row = self.con.execute(
            f"SELECT count(*), {counts} FROM (SELECT {column} AS s FROM ({relation(job)})"
            f" WHERE hub_text({column}) <> '' LIMIT {SAMPLE})"
        ).fetchone()
        job.rejects[:], job.columns = known, said  # some readers note both anew
        total, *fits = row or (0,)
        return next((key for key, count in zip(tries, fits, strict=True) if total and count >= MOST * total), None)

    def _renamed(self, text: str, names: list[str], new: str) -> str | None:
        return _chain(text, [partial(amend.set_key, field=name, key="from", value=new) for name in names])

    def _free(self, name: str) -> str:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
        plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "field"
        plain = plain if plain[0].isalpha() else f"field_{plain}"
        number, free = 1, plain
        while free in self.spec.fields:
            number += 1
            free = f"{plain}_{number}"
        return free

    def _first(self, edits: Iterable[Edit]) -> str | None:
        text = self._read(self.path)
        for change in edits if text is not None else ():
            after = change(text or "")
            if after is not None and after != text and amend.valid(after):
                return patch.diff(self.path.name, text or "", after)
        return None

    def _read(self, path: Path) -> str | None:
        if self._text is None and path.is_file():
            with path.open(encoding="utf-8", newline="") as handle:  # its own line ends, which a diff must keep
                self._text = handle.read()
        return self._text


def _chain(text: str, edits: list[Edit]) -> str | None:
    after: str | None = text
    for change in edits:
        after = change(after) if after is not None else None
    return after
