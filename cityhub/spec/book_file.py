"""How a filled-in form gets into the spec file of its feed."""

from __future__ import annotations

from pathlib import Path

from cityhub.errors import Usage
from cityhub.files import write_text
from cityhub.spec import edit
from cityhub.spec.book_read import read
from cityhub.spec.emit import block, scalar

SCHEMA = "# yaml-language-server: $schema={}feed.schema.json"


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
        write_text(path, "\n".join(lines) + "\n", sync=True)
        return path, True
    before = edit.read_text(path)
    other = (edit.data_of(before, path) or {}).get("feed")
    if other not in {None, feed}:
        raise Usage("CH-BOOK-003", feed=feed, other=other, file=str(path))
    after = edit.merged(before, data, file=path)
    if after != before:
        write_text(path, after, sync=True)
    return path, after != before
