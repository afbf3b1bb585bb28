"""A whole draft: the spec's parts from a sample, a template and the synonym list, each guess with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cityhub.draft.fields import Drafted, drafted, looks
from cityhub.draft.identity import identity
from cityhub.draft.sample import Path, Sample
from cityhub.draft.template import Template, matched, pruned
from cityhub.draft.words import Words
from cityhub.spec.feed import FeedSpec
from cityhub.spec.todo import TODO, filled

ORDER = (
    "feed", "active", "title", "platform", "table", "description", "owner", "source", "arrives", "identity", "fields",
    "location", "unit", "contract", "watch", "retention", "checks", "examples",
)  # fmt: skip


@dataclass
class Draft:
    """`data` is the spec, `notes` the comments by path, `remarks` lines for the top of the file."""

    data: dict[str, Any]
    notes: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def guess(self, why: str, *path: str | int) -> None:
        """Say why the value at a path was guessed."""
        self.notes[path] = f"guess: {why}"

    def spec(self) -> FeedSpec:
        """The spec, with a possible word where only a person knows the right one."""
        return FeedSpec.model_validate(filled(self.data))


def compose(feed: str, sample: Sample, words: Words, form: Template | None) -> Draft:
    """The draft of a feed without its examples."""
    base: dict[str, Any] = {} if form is None else form.data
    draft = Draft({"feed": feed, "active": False, "platform": feed.partition(".")[0]})
    draft.data |= _head(draft, feed, sample, base)
    _source(draft, sample)
    taken, lacking = matched(form, looks(sample), words) if form else ({}, [])
    fields = drafted(sample, words, taken)
    _fields(draft, form, fields, lacking)
    names = set(draft.data["fields"])
    optional = [name for name in lacking if name not in names]
    _identity(draft, sample, fields, base)
    _location(draft, names, base, fields)
    _unit(draft, names, base, fields, words)
    draft.data["arrives"] = _arrives(draft, base)
    for part in ("contract", "watch", "retention"):
        if part in base:
            draft.data[part] = base[part]
    checks = pruned(base.get("checks", []), optional)
    draft.data["checks"] = checks or [{"check": "row_count", "min": 1, "severity": "critical"}]
    draft.data = {name: draft.data[name] for name in ORDER if name in draft.data}
    return draft


def _head(draft: Draft, feed: str, sample: Sample, base: Mapping[str, Any]) -> dict[str, Any]:
    slug = re.sub(r"[^a-z0-9]+", "_", feed.partition(".")[2]).strip("_")
    title = {"zh": base.get("title", {}).get("zh", TODO), "en": base.get("title", {}).get("en")}
    if title["en"] is None:
        title["en"] = slug.replace("_", " ").capitalize()
        draft.guess("from the feed's name", "title", "en")
    table = f"{feed.partition('.')[0]}_{slug}"
    if base.get("feed") == feed:
        table = base["table"]
    elif base:
        draft.guess(f"indicators read {base['table']}, which one feed alone can fill", "table")
    else:
        draft.guess("platform and kind", "table")
    described = base.get("description")
    if described is None:
        described = f"Records of {sample.name} as the source delivers them."
        draft.guess("one English sentence about a row would be better", "description")
    owner = {part: base.get("owner", {}).get(part, TODO) for part in ("department", "person", "phone")}
    draft.notes["title", "zh"] = "the feed's name as leaders read it"
    for part, what in (
        ("department", "who answers for the data"),
        ("person", "who is called"),
        ("phone", "at which number"),
    ):
        draft.notes["owner", part] = what
    if owner["department"] != TODO:
        draft.guess("the department that usually answers for such a feed", "owner", "department")
    return {"title": title, "table": table, "description": described, "owner": owner}


def _source(draft: Draft, sample: Sample) -> None:
    draft.data["source"] = dict(sample.source)
    for path, why in sample.notes.items():
        draft.guess(why, "source", *path)
    if "password" in sample.source or "user" in sample.source:
        draft.notes["source", "user"] = "names of secrets, never the values"


def _fields(draft: Draft, form: Template | None, fields: list[Drafted], lacking: list[str]) -> None:
    entries = {item.name: dict(item.entry) for item in fields}
    for item in fields:
        why = [text for text in item.why if text]
        if why:
            draft.guess("; ".join(why), "fields", item.name)
    needed = {name for name in lacking if form and _needed(form, name)}
    for name in needed:
        assert form is not None
        entry = {key: value for key, value in form.fields[name].items() if key not in {"words", "to"}}
        entries[name] = {"from": TODO, **entry}
        draft.notes["fields", name] = "the template needs it; what does the source call it?"
    if form is not None:
        first = [name for name in form.fields if name in entries]
        entries = {name: entries[name] for name in [*first, *(name for name in entries if name not in first)]}
    without = [name for name in lacking if name not in needed]
    if without:
        draft.remarks.append(f"The template also knows, and the source did not show: {', '.join(without)}.")
    draft.data["fields"] = entries


def _needed(form: Template, name: str) -> bool:
    identity_part = form.data.get("identity", {})
    return bool(form.fields[name].get("required")) or name in {
        *identity_part.get("key", []),
        identity_part.get("day_from"),
    }


def _identity(draft: Draft, sample: Sample, fields: list[Drafted], base: Mapping[str, Any]) -> None:
    names = set(draft.data["fields"])
    known = base.get("identity", {})
    if known and set(known["key"]) <= names:
        made = {key: value for key, value in known.items() if key != "version" or value in names}
        made |= {"history": [n for n in known["history"] if n in names]} if "history" in known else {}
        draft.data["identity"] = made
    else:
        made, notes = identity(sample, fields)
        draft.data["identity"] = made
        for part, why in notes.items():
            draft.guess(why, "identity", part)
    day = made.get("day_from")
    for name in dict.fromkeys([*made["key"], *([day] if day else [])]):
        draft.data["fields"][name].setdefault("required", True)
    source = draft.data["source"]
    by_name = {item.name: item.source for item in fields}
    if source["kind"] == "database" and day:
        stored = by_name.get("stored_at") or by_name.get(day)
        if "version" in made:
            source["cursor"] = by_name[made["version"]]
            draft.guess("rows that changed since the last delivery", "source", "cursor")
        elif stored:
            source["day_column"] = stored
            draft.guess("rows of the service day; best is the time at which a row was stored", "source", "day_column")


def _location(draft: Draft, names: set[str], base: Mapping[str, Any], fields: list[Drafted]) -> None:
    known = base.get("location", {"lon": "lon", "lat": "lat"})
    types = {item.name: item.entry.get("type") for item in fields}
    if {known["lon"], known["lat"]} <= names and types.get(known["lon"]) in {"double", "integer", "decimal"}:
        draft.data["location"] = {"lon": known["lon"], "lat": known["lat"], "system": TODO}
        draft.notes["location", "system"] = "wgs84, cgcs2000, gcj02 (most maps) or bd09 (Baidu)? Ask the vendor"


def _unit(draft: Draft, names: set[str], base: Mapping[str, Any], fields: list[Drafted], words: Words) -> None:
    known = dict(base.get("unit", {}))
    codes = next(
        ((f.name, _districts(f, words)) for f in fields if f.name == "district" and _districts(f, words)), None
    )
    if known.get("by") == "lookup" and known["field"] in names:
        draft.data["unit"] = known
    elif codes is not None:
        name, found = codes
        draft.data["unit"] = {"by": "code", "field": name, "codes": found}
        draft.guess("these districts were seen", "unit")
    elif "location" in draft.data:
        draft.data["unit"] = {"by": "point"}
        draft.guess("by the boundary around each row's point", "unit")
    else:
        draft.data["unit"] = {"by": "none"}
        draft.guess("nothing shows to which unit a row belongs", "unit")


def _districts(item: Drafted, words: Words) -> dict[str, str]:
    seen = list(item.look.distinct)
    found = {text: words.districts[text] for text in seen if text in words.districts}
    return dict(sorted(found.items())) if found and len(found) >= 0.6 * len(seen) else {}


def _arrives(draft: Draft, base: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(base.get("arrives") or {"expected_by": "06:00", "min_rows": 1})
    draft.guess("a delivery is late after this time of the next day", "arrives", "expected_by")
    return made
