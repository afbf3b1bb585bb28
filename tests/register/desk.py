"""The desk of somebody in a department's IT: the command line and an editor, and a count of what was typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from cityhub.settings import Settings
from cityhub.spec import edit
from cli.main import app
from flow import steps


class Desk:
    """`typed` are the commands, `edits` the hand edits (path, value) of each feed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.typed: list[str] = []
        self.edits: dict[str, list[str]] = {}

    def run(self, *words: str, exit_code: int | None = 0) -> str:
        """One command; what it printed. `exit_code` None: fine or with findings."""
        self.typed.append("cityhub " + " ".join(words))
        for cached in (steps.opened, steps._connection):
            cached.cache_clear()
        done = CliRunner().invoke(app, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code in ({0, 1} if exit_code is None else {exit_code}), f"{self.typed[-1]}\n{done.output}"
        return str(done.output)

    def draft(self, *words: str) -> Path:
        """`cityhub feed draft …`; where it was written."""
        made = json.loads(self.run("feed", "draft", *words, "--json"))
        self.edits[made["feed"]] = []
        return Path(made["path"])

    def edit(self, path: Path, **changes: Any) -> None:
        """An editor: each value of a dotted path (`__` for a dot) is one hand edit."""
        wanted = {name.replace("__", "."): value for name, value in changes.items()}
        edit.edit_file(path, wanted)
        self.edits[path.stem] += [f"{name}: {value}" for name, value in wanted.items()]

    def finish(self, path: Path) -> None:
        """Check the draft and make it a feed."""
        self.run("feed", "check", str(path), exit_code=None)
        self.run("feed", "activate", path.stem)

    def sync(self, feed: str, day: str) -> dict[str, Any]:
        """The first delivery; its counts."""
        (result,) = json.loads(self.run("sync", feed, "--day", day, "--json"))
        return dict(result)

    def note(self, feed: str) -> str:
        """What it took, for the reader of the test's output."""
        return f"{feed}: {len(self.edits[feed])} hand edits: {'; '.join(self.edits[feed])}"
