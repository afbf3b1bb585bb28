"""The codes in the connectors and the catalogue belong together, family by family."""

from __future__ import annotations

import re
from pathlib import Path

import connectors
from cityhub.errors import catalogue

RAISED = re.compile(r"\b(Retry|Stop|Unauthorised)\(\s*\"(CH-PULL-\d{3})\"")


def test_every_code_is_in_the_catalogue_with_its_family_and_none_is_unused() -> None:
    used: dict[str, set[str]] = {}
    for file in Path(connectors.__path__[0]).glob("*.py"):
        for kind, code in RAISED.findall(file.read_text(encoding="utf-8")):
            used.setdefault(code, set()).add("Stop" if kind == "Unauthorised" else kind)
    known = {code: {entry["family"]} for code, entry in catalogue().items() if code.startswith("CH-PULL-")}
    assert used == known
