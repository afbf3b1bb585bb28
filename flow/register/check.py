"""`feed check`: the file by itself, beside the other feeds, and in the engine that will run it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import HubError
from cityhub.lint.check import Linted, in_order, lint
from cityhub.lint.document import Document
from cityhub.lint.meaning import at
from cityhub.lint.problem import Problem, listed, nearest
from cityhub.spec.feed import FeedSpec
from flow.register.examples import outcomes
from warehouse.tables import RESERVED, core_tables
from warehouse.trial import engine, fits


@dataclass(frozen=True)
class Checked:
    """One file with all its problems."""

    path: Path
    document: Document | None
    spec: FeedSpec | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        """What must be corrected."""
        return [item for item in self.problems if item.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """What a person should look at."""
        return [item for item in self.problems if item.severity == "warning"]


def check(paths: Iterable[Path], folder: Path) -> list[Checked]:
    """Check files. `folder` holds the feeds beside which they must fit; a draft replaces the feed of its name."""
    chosen = list(paths)
    beside = {path: lint(path) for path in sorted(folder.glob("*.yaml"))}
    found = []
    for path in chosen:
        linted = next((item for known, item in beside.items() if known.samefile(path)), None) or lint(path)
        others = {known: item for known, item in beside.items() if not known.samefile(path)}
        if path.resolve().parent != folder.resolve():
            others = {known: item for known, item in others.items() if known.name != path.name}
        found.append(_one(path, linted, others))
    return found


def _one(path: Path, linted: Linted, others: dict[Path, Linted]) -> Checked:
    problems = list(linted.problems)
    if linted.document is not None:
        neighbours = {known: item.document for known, item in others.items() if item.document is not None}
        problems += [*_taken(linted.document, neighbours), *_parent(linted.document, neighbours)]
        problems += _patterns(linted.document, problems)
    if linted.spec is not None and linted.document is not None:
        problems += _examples(linted.document, linted.spec, problems)
    return Checked(path, linted.document, linted.spec, in_order(problems))


def _taken(document: Document, others: dict[Path, Document]) -> Iterator[Problem]:
    feed, table = document.text("feed"), document.text("table")
    for known, other in others.items():
        if feed and other.text("feed") == feed:
            yield at("CH-REG-030", document, ("feed",), thing="feed", name=feed, other=known.name)
        if table and other.text("table") == table:
            yield at("CH-REG-030", document, ("table",), thing="table", name=table, other=known.name)
    if table in core_tables():
        platform = document.text("platform") or "gas"
        yield at("CH-REG-031", document, ("table",), name=table, likely=f"{platform}_{table}")
    for name in document.mapping("fields"):
        if name in RESERVED:
            yield at("CH-REG-032", document, ("fields", str(name)), name=name, reserved=listed(RESERVED),
                     likely=f"{str(name).strip('_')}_sent")  # fmt: skip


def _parent(document: Document, others: dict[Path, Document]) -> Iterator[Problem]:
    table, key = document.text("unit", "table"), document.text("unit", "key")
    if document.text("unit", "by") != "lookup" or not table:
        return
    tables = {other.text("table"): other for other in [*others.values(), document] if other.text("table")}
    parent = tables.get(table)
    if parent is None:
        near = nearest(table, [str(name) for name in tables], 0.5)
        yield at("CH-REG-038", document, ("unit", "table"), what=f"table {table}", near=near or "none is near")
    elif key and key not in parent.mapping("fields"):
        near = nearest(key, [str(name) for name in parent.mapping("fields")], 0.5)
        yield at("CH-REG-038", document, ("unit", "key"), what=f"column {key} in {table}", near=near or "none is near")


def _patterns(document: Document, known: list[Problem]) -> Iterator[Problem]:
    """Expressions that other programs know and the engine does not (look-ahead, back references)."""
    told = {item.line for item in known if item.error.code == "CH-REG-026"}
    patterns = {name: document.text("fields", str(name), "pattern") for name in document.mapping("fields")}
    if not any(patterns.values()):
        return
    with engine() as con:
        for name, pattern in patterns.items():
            detail = fits(con, pattern) if pattern else None
            made = at("CH-REG-026", document, ("fields", str(name), "pattern"), value=pattern, detail=detail)
            if detail and made.line not in told:
                yield made


def _examples(document: Document, spec: FeedSpec, known: list[Problem]) -> Iterator[Problem]:
    if not spec.examples:
        yield at("CH-REG-037", document, (), severity="warning")
        return
    for number, example in enumerate(spec.examples):
        path = ("examples", number)
        if (example.expect is None) == (example.quarantine is None):
            yield at("CH-REG-047", document, path, what=f"example {number + 1}",
                     lacks="either `expect: {…}` or `quarantine: reason`, not both")  # fmt: skip
    if any(item.error.code in {"CH-REG-026", "CH-REG-032", "CH-REG-041", "CH-REG-042"} for item in known):
        return  # the mapping cannot run, and why is told already
    try:
        found = outcomes(spec)
    except HubError as error:
        yield Problem(error, document.file, document.line(("examples",)), "examples")
        return
    for outcome in found:
        if not outcome.good:
            yield at("CH-REG-036", document, ("examples", outcome.number - 1), number=outcome.number,
                     wanted=outcome.wanted, got=outcome.got)  # fmt: skip
