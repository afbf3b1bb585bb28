"""Vendor templates: most of a spec as data (`feeds/templates/*.yaml`), and which source column is which of its fields.

A template is a spec without what differs between vendors: its fields have `words` (what platforms call them) in
place of `from`, and a measure has `to` (our unit) alone.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cityhub.draft.fields import Drafted, set_unit
from cityhub.draft.values import MISSING, Look, bare, unit_in
from cityhub.draft.words import Word, Words, plain
from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from cityhub.spec.todo import TODO

MOST_STRANGE = 12


@dataclass(frozen=True)
class Template:
    """`data` is as in a spec, `fields` with `words`."""

    name: str
    data: dict[str, Any]

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """Our names and their entries."""
        return dict(self.data["fields"])


def listed(feeds: Path) -> dict[str, Template]:
    """All templates by name: those that are shipped, and an installation's own, which come first."""
    found: dict[str, Template] = {}
    for folder in dict.fromkeys((REPOSITORY / "feeds" / "templates", feeds / "templates")):
        for path in sorted(folder.glob("*.yaml")):
            found[path.stem] = Template(path.stem, YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    return found


def template(feeds: Path, name: str) -> Template:
    """One template; raises `Usage` CH-DRAFT-001 with near names."""
    known = listed(feeds)
    if name not in known:
        near = difflib.get_close_matches(name, known, 4, 0.4) or [item for item in known if item.startswith(name)]
        raise Usage("CH-DRAFT-001", template=name, near=", ".join(near) or "see `cityhub feed templates`")
    return known[name]


def matched(form: Template, looks: dict[str, Look], words: Words) -> tuple[dict[str, Drafted], list[str]]:
    """Source name → field of the template, and the names of fields for which the source has nothing.

    Words of the template go before the synonym list, whole names before names without unit.
    """
    taken: dict[str, Drafted] = {}
    lacking: list[str] = []
    for name, entry in form.fields.items():
        source = _source(name, entry, {n: look for n, look in looks.items() if n not in taken}, words)
        if source is None:
            lacking.append(name)
            continue
        taken[source] = _field(name, entry, source, looks[source], words)
    return taken, lacking


def _source(name: str, entry: dict[str, Any], looks: dict[str, Look], words: Words) -> str | None:
    own = [plain(str(word)) for word in (*entry.get("words", ()), entry.get("title", name), name)]
    known = words.named(name)
    synonyms = [plain(word) for word in known.words] if known else []
    for wanted in (own, synonyms):
        for strip in (False, True):
            for word in wanted:
                for source, look in looks.items():
                    last = source.rpartition(".")[2]
                    if plain(bare(last) if strip else last) == word and _suits(entry, look):
                        return source
    return None


def _suits(entry: dict[str, Any], look: Look) -> bool:
    kind = {"integer": "number", "double": "number", "decimal": "number", "timestamp": "time", "date": "time"}.get(
        entry.get("type", "text"), entry.get("type", "text")
    )
    return Word("", (), kind).suits(look) or (kind == "text" and look.type != "timestamp")


def _field(name: str, entry: dict[str, Any], source: str, look: Look, words: Words) -> Drafted:
    rest = {key: value for key, value in entry.items() if key not in {"words", "to"}}
    item = Drafted(name, {"from": source, **rest}, look, words.named(name), [f"{source} by its name"])
    if look.format != "iso" and rest.get("type") in {"timestamp", "date"}:
        item.entry["format"] = look.format
        item.why.append(look.why)
    if "to" in entry:
        set_unit(item, str(entry["to"]), unit_in(source))
    codes = dict(item.entry.get("codes", {}))
    counts = look.distinct
    strange = [text for text in counts if codes and text not in codes][:MOST_STRANGE]
    if strange and item.entry.get("unknown_code", "quarantine") == "quarantine":
        many = sum(counts[text] for text in strange) > 0.2 * len(look.filled)
        added = {text: words.values.get(text, TODO if many else None) for text in strange}
        item.entry["codes"] = codes | {text: value for text, value in added.items() if value is not None}
        item.why.append(f"the template does not know {', '.join(strange)}: rows with an unknown word are refused")
    if look.odd:
        item.entry["missing"] = [*MISSING, *look.odd]
        item.why.append(f"{', '.join(look.odd)} taken as missing")
    return item


def pruned(checks: list[dict[str, Any]], missing: list[str]) -> list[dict[str, Any]]:
    """The checks that need none of the missing fields."""
    return [
        check
        for check in checks
        if check.get("column") not in missing
        and not any(re.search(rf"\b{name}\b", str(check.get("sql", ""))) for name in missing)
    ]
