"""Every spec file of an installation with its state: active, off, draft, or broken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub.errors import Stop
from cityhub.spec.edit import data_of, read_text
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from cityhub.spec.todo import todos
from flow.register.files import drafts, readable


@dataclass(frozen=True)
class Listed:
    """One file. `spec` is None where it cannot be read, and `note` says why then."""

    name: str
    path: Path
    state: str
    spec: FeedSpec | None = None
    note: str = ""

    def row(self) -> tuple[str, ...]:
        """As a row of the table."""
        spec = self.spec
        if spec is None:
            return self.name, "", "", "", "", self.state, self.note
        owner = spec.owner.department
        return self.name, spec.title.zh, spec.source.kind, spec.table, owner, self.state, self.note

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        base = {"feed": self.name, "file": str(self.path), "state": self.state, "note": self.note}
        spec = self.spec
        if spec is None:
            return base
        return {
            **base, "title_zh": spec.title.zh, "title_en": spec.title.en, "platform": spec.platform,
            "kind": spec.source.kind, "table": spec.table, "owner": spec.owner.model_dump(), "active": spec.active,
        }  # fmt: skip


def _left(path: Path) -> str:
    count = len(list(todos(data_of(read_text(path), path))))
    return f"{count} TODO" if count else ""


def listing(folder: Path) -> list[Listed]:
    """Feeds by name, then drafts."""
    specs, errors = read_good(folder)
    found = [
        Listed(name, folder / f"{name}.yaml", "active" if spec.active else "off", spec) for name, spec in specs.items()
    ]
    for error in errors:
        file = folder / Path(str(error.place.get("file") or error.place.get("first"))).name
        found.append(Listed(file.stem, file, "broken", note=f"{error.code}: {error.part('what')}"))
    found.sort(key=lambda item: item.name)
    for path in sorted(drafts(folder).glob("*.yaml")):
        try:
            note = _left(path)
            found.append(Listed(path.stem, path, "draft", readable(path), note))
        except Stop as error:
            found.append(Listed(path.stem, path, "draft", note=f"{error.code}: {error.part('what')}"))
    return found
