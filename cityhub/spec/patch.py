"""Changes of a spec file as unified diffs that `git apply` and `patch -p1` take, and how they are put together."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True)
class Hunk:
    """Lines of the old text from `start` (counted from 0), and what stands there afterwards."""

    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]


def diff(name: str, before: str, after: str) -> str:
    """The unified diff of a file of `feeds/`."""
    out: list[str] = []
    for line in difflib.unified_diff(_lines(before), _lines(after), f"a/feeds/{name}", f"b/feeds/{name}"):
        out.append(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}\n")
    return "".join(out)


def merged(text: str, diffs: list[str]) -> str | None:
    """The text with all these diffs, each of which was made from it as it stands; None where one does not fit, or
    two change the same lines."""
    lines = _lines(text)
    changes: list[Hunk] = []
    for one in diffs:
        for hunk in hunks(one):
            if tuple(lines[hunk.start : hunk.start + len(hunk.old)]) != hunk.old:
                return None
            changes += _narrow(hunk)
    changes = sorted(dict.fromkeys(changes), key=lambda item: (item.start, len(item.old)))
    done, at = list[str](), 0
    for change in changes:
        if change.start < at:
            return None
        done += [*lines[at : change.start], *change.new]
        at = change.start + len(change.old)
    return "".join(done + lines[at:])


def contains(text: str, one: str) -> bool:
    """Whether the text has the change of this diff already: the lines that it writes, and none that it takes away."""
    lines = _lines(text)

    def there(wanted: tuple[str, ...]) -> bool:
        return any(tuple(lines[at : at + len(wanted)]) == wanted for at in range(len(lines) - len(wanted) + 1))

    return all(
        (not change.new or there(change.new)) and (not change.old or not there(change.old))
        for hunk in hunks(one)
        for change in _narrow(hunk)
    )


def hunks(one: str) -> list[Hunk]:
    """The hunks of a diff of one file, with their context."""
    found: list[tuple[int, list[str], list[str]]] = []
    sides: list[list[str]] = []  # those that the last line went to
    for line in _lines(one):
        if head := _HUNK.match(line):
            start, count = int(head[1]), int(head[2] or 1)
            found.append((start - 1 if count else start, [], []))
        elif found and line.startswith(_NO_NEWLINE):
            for side in sides:
                side[-1] = side[-1].removesuffix("\n")
        elif found and line[:1] in {" ", "-", "+"}:
            _, old, new = found[-1]
            sides = {" ": [old, new], "-": [old], "+": [new]}[line[0]]
            for side in sides:
                side.append(line[1:])
    return [Hunk(start, tuple(old), tuple(new)) for start, old, new in found]


def _narrow(hunk: Hunk) -> list[Hunk]:
    matcher = difflib.SequenceMatcher(a=hunk.old, b=hunk.new, autojunk=False)
    return [
        Hunk(hunk.start + i1, hunk.old[i1:i2], hunk.new[j1:j2])
        for kind, i1, i2, j1, j2 in matcher.get_opcodes()
        if kind != "equal"
    ]


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
