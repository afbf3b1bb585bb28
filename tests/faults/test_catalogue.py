"""Every fault of the catalogue, one at a time: something says so, no good row is lost, every row is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from ruamel.yaml import YAML

from sandbox.scripted import FAULTS
from tests.faults import frames, hub
from tests.faults.hub import Base, Outcome

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = YAML(typ="safe").load((HERE / "expected.yaml").read_text(encoding="utf-8"))
CASES = [
    *((FAULTS[name].feed, f"scripted:{name}", expected) for name, expected in EXPECTED["records"].items()),
    *((expected["feed"], name, expected) for name, expected in EXPECTED["transport"].items()),
]
# In the slow part: the faults of one feed that show one kind of answer each. All of them: `-m full`.
SAMPLE = {
    "scripted:clock_ahead_8h", "scripted:duplicate_changed_payload", "scripted:gap", "scripted:frozen",
    "scripted:zero_fill", "scripted:unit_div1000", "scripted:saturated_32767", "scripted:entity_renamed",
    "scripted:schema_renamed_required", "scripted:type_change", "repeat", "truncated", "hj212 other_checksum",
    "jt808 truncated",
}  # fmt: skip


def part_of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.slow if name in SAMPLE else pytest.mark.full


@pytest.fixture(scope="module")
def bases() -> Iterator[Any]:
    """A hub with a clean week for each feed, made when the first fault of the feed is played."""
    with TemporaryDirectory(prefix="cityhub-faults-") as folder:

        @cache
        def base(feed: str) -> Base:
            return hub.prepare(Path(folder) / feed, feed)

        yield base


def test_the_table_speaks_of_every_scripted_fault():
    assert set(EXPECTED["records"]) == set(FAULTS)


def judged(found: Outcome, expected: dict[str, Any]) -> list[str]:
    """What is wrong with an outcome."""
    said = [f"{name} did not come up" for name in expected.get("signals", []) if not _said(found, name)]
    said += [f"{found.lost} good rows are lost"] if found.lost and not expected.get("undelivered") else []
    said += [] if found.adds_up else ["landed is not loaded + duplicate + quarantined"]
    said += ["the warehouse is not as after a clean delivery"] if expected.get("same") and not found.same else []
    silent = found.struck and not found.signals and not found.same
    return said + (["struck records were loaded and nothing says so"] if silent else [])


def _said(found: Outcome, name: str) -> bool:
    return any(signal.startswith(name) for signal in found.signals)


@pytest.mark.parametrize(
    ("feed", "fault", "expected"),
    [
        pytest.param(*case, id=case[1], marks=[pytest.mark.xdist_group(f"faults-{case[0]}"), part_of(case[1])])
        for case in CASES
    ],
)
def test_a_fault_of_records_or_transport_comes_up(feed, fault, expected, bases):
    found = hub.play(bases(feed), fault)
    assert judged(found, expected) == [], found


@pytest.mark.parametrize("case", [pytest.param(case, marks=part_of(case)) for case in EXPECTED["frames"]], ids=str)
def test_a_fault_of_frames_comes_up(case, tmp_path, monkeypatch):
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "hub"))
    protocol, fault = case.split()
    found = frames.play(tmp_path / "hub", protocol, fault)
    assert judged(found, EXPECTED["frames"][case]) == [], found
