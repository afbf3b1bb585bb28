"""`python -m tests.faults.table` writes docs/faults.md from the catalogue and from what its tests demand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sandbox.scripted import FAULTS
from tests.night.hub import REPOSITORY

PAGE = REPOSITORY / "docs" / "faults.md"
HEAD = """# What goes wrong, and what comes up

Each fault is injected alone into a delivery of a hub with a clean week behind it (`tests/faults`; a sample in
`make test-slow`, all of it in `make test-full`): what the right column names must come up, no record that the fault
left alone may be lost, and `landed = loaded + duplicate + quarantined` must hold. “as clean”: the warehouse is then the
same as without the fault. Try one: `cityhub nightly --fault "dust.sample=scripted:frozen"`. Made by
`python -m tests.faults.table`.

| fault | 故障 | played on | what comes up |
|---|---|---|---|
"""
WORDS = {
    "quarantine": "quarantine", "finding": "finding", "error": "error", "state": "state of the day",
    "count": "counted as", "note": "noted", "check": "failed check", "column": "column", "flag": "flag",
}  # fmt: skip


def page() -> str:
    """The page as text."""
    text = (Path(__file__).parent / "expected.yaml").read_text(encoding="utf-8")
    expected: dict[str, dict[str, Any]] = YAML(typ="safe").load(text)
    lines = [_line(name, FAULTS[name].zh, FAULTS[name].feed, item) for name, item in expected["records"].items()]
    lines += [_line(name, item["zh"], item["feed"], item) for name, item in expected["transport"].items()]
    lines += [_line(name, item["zh"], name.split()[0], item) for name, item in expected["frames"].items()]
    return HEAD + "\n".join(lines) + "\n"


def _line(name: str, zh: str, where: str, item: dict[str, Any]) -> str:
    said = [_said(signal) for signal in item.get("signals", [])]
    said += ["as clean"] if item.get("same") else []
    said += ["what the source skipped is not there"] if item.get("undelivered") else []
    return f"| {name} | {zh} | {where} | {', '.join(said) or 'loaded'} |"


def _said(signal: str) -> str:
    kind, _, what = signal.partition(":")
    return f"{WORDS.get(kind, kind)} `{what}`" if what else WORDS.get(kind, kind)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
