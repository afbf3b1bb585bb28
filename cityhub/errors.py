"""The one error type of the hub: what happened, where, why it is likely, who acts and how.

Families say what the *caller* does: `Retry` (the scheduler tries again), `Reject` (these rows go to
quarantine), `Stop` (a person must act). The texts live in `cityhub/catalogue/*.yaml`, one file a code area.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, TypedDict

from ruamel.yaml import YAML

from cityhub.secrets import redact

EXIT_OK, EXIT_FINDINGS, EXIT_USAGE, EXIT_UNAUTHORISED, EXIT_RETRY = 0, 1, 2, 4, 75
# Codes of specs and of names that nobody has set: whoever raises them, they are configuration.
CONFIGURATION = ("CH-CONF-", "CH-FEED-")


TOLD_IN_TEXT = {"detail", "near", "found", "problem", "more"}  # parts of sentences, not places


class Entry(TypedDict):
    """One catalogue entry: texts may hold `{name}` placeholders filled from the error's place."""

    family: str
    what: str
    why: str
    fix: str
    who: str


@cache
def catalogue() -> dict[str, Entry]:
    """All known codes, merged from the catalogue files; a code that stands twice is a programming error."""
    entries: dict[str, Entry] = {}
    for file in sorted(files("cityhub").joinpath("catalogue").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        for code, entry in (YAML(typ="safe").load(file.read_text(encoding="utf-8")) or {}).items():
            if code in entries:
                raise KeyError(f"error code {code} stands twice in the catalogue ({file.name})")
            entries[code] = entry
    return entries


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


class HubError(Exception):
    """An error with a stable code. `place` names feed, file, line, field, value … whatever is known.

    Secrets are redacted from every text, whatever the caller put in.
    """

    family: ClassVar[str] = "Stop"
    exit_code: int = EXIT_FINDINGS

    def __init__(self, code: str, **place: Any) -> None:
        self.code = code
        if code.startswith(CONFIGURATION) and self.exit_code == EXIT_FINDINGS:
            self.exit_code = EXIT_USAGE
        self.place = {key: value for key, value in place.items() if value is not None}
        super().__init__(self.text())

    def part(self, name: str) -> str:
        """One part of the catalogue text (`what`, `why`, `fix`, `who`) with the place filled in, redacted."""
        template = catalogue()[self.code].get(name, "")
        return redact(str(template).format_map(_Blank(self.place)))

    def text(self) -> str:
        """The error as one block for people: code and fact, place, cause, remedy."""
        where = ", ".join(f"{key}={value}" for key, value in self.place.items() if key not in TOLD_IN_TEXT)
        lines = [f"{self.code}: {self.part('what')}"]
        if where:
            lines.append(f"  where: {redact(where)}")
        lines += [f"  why:   {self.part('why')}", f"  fix:   {self.part('fix')} ({self.part('who')})"]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The error for `--json` and for run summaries."""
        return {
            "code": self.code,
            "family": self.family,
            "what": self.part("what"),
            "where": {key: redact(str(value)) for key, value in self.place.items()},
            "why": self.part("why"),
            "fix": self.part("fix"),
            "who": self.part("who"),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.code, self.place))


def _rebuild(kind: type[HubError], code: str, place: dict[str, Any]) -> HubError:
    return kind(code, **place)


class Retry(HubError):
    """Transient: trying again later may succeed."""

    family = "Retry"
    exit_code = EXIT_RETRY


class Reject(HubError):
    """These rows are bad; the others are loaded."""

    family = "Reject"


class Stop(HubError):
    """A person must act; trying again changes nothing."""

    family = "Stop"


class Usage(HubError):
    """The command or the configuration is wrong; nothing was started."""

    family = "Stop"
    exit_code = EXIT_USAGE


class Unauthorised(HubError):
    """The source or the service refused the caller's identity."""

    family = "Stop"
    exit_code = EXIT_UNAUTHORISED
