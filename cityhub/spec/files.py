"""Where the file of a feed is, live or still a draft, and how a filled-in form gets into it."""

from __future__ import annotations

import difflib
from pathlib import Path

from cityhub.errors import Stop, Usage
from cityhub.spec import edit
from cityhub.spec.book_read import read
from cityhub.spec.emit import block, scalar

SCHEMA = "# yaml-language-server: $schema={}feed.schema.json"


def spec_file(feeds: Path, named: str) -> Path:
    """The file of a feed by name, else its draft, else the path itself; raises `Stop` CH-FEED-002."""
    tries = [Path(named)] if named.endswith(".yaml") else [feeds / f"{named}.yaml", feeds / "drafts" / f"{named}.yaml"]
    for path in tries:
        if path.is_file():
            return path
    known = [path.stem for folder in (feeds, feeds / "drafts") for path in folder.glob("*.yaml")]
    near = ", ".join(difflib.get_close_matches(Path(named).stem, known, 3)) or "none"
    raise Stop("CH-FEED-002", feed=named, folder=str(feeds), near=near)


def put_form(feeds: Path, file: Path, to: Path | None) -> tuple[Path, bool]:
    """Read a form into the spec file of its feed (a new draft where there is none); gives the file and whether it
    changed. Raises `Usage` CH-BOOK-001 to 003."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise Usage("CH-BOOK-001", file=str(file), detail=error.strerror or "it cannot be opened") from None
    data = read(body, str(file))
    feed = str(data["feed"])
    live, draft = feeds / f"{feed}.yaml", feeds / "drafts" / f"{feed}.yaml"
    path = to or (live if live.is_file() else draft)
    if not path.is_file():
        lines = [SCHEMA.format("./" if path.parent == feeds else "../")]
        lines += [f"{scalar(name)}:{block(value, 0)}" for name, value in data.items()]
        edit.write_text(path, "\n".join(lines) + "\n")
        return path, True
    before = edit.read_text(path)
    other = (edit.data_of(before, path) or {}).get("feed")
    if other not in {None, feed}:
        raise Usage("CH-BOOK-003", feed=feed, other=other, file=str(path))
    after = edit.merged(before, data, file=path)
    if after != before:
        edit.write_text(path, after)
    return path, after != before
