"""Frames of public test suites, which are not part of the repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sensors.jt808 import landing
from sensors.jt808.decode import decode_line

SHARED = Path(os.environ.get("CITYHUB_SHARED") or Path(__file__).parents[4] / "shared")


@pytest.fixture(scope="module")
def vectors() -> list[dict[str, Any]]:
    path = SHARED / "vectors" / "jt808.json"
    if not path.is_file():
        pytest.skip("CITYHUB_SHARED/vectors is absent")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    return found


def test_valid_frames_decode_to_the_stored_fields(vectors: list[dict[str, Any]]) -> None:
    for vector in (vector for vector in vectors if vector["frame_valid"]):
        found, expected = decode_line(vector["raw_hex"]), vector["expected"]
        assert found["ok"], vector["id"]
        flat = {**expected, **expected.get("location", {})}
        for key in flat.keys() - {"location", "body_hex", "batch"}:
            assert found[key] == flat[key], (vector["id"], key)
        for one, stored in zip(found.get("batch", []), expected.get("batch", []), strict=True):
            assert {key: one.get(key) for key in stored} == stored, vector["id"]
        assert found.get("body_hex", "").startswith(expected.get("body_hex", "")), vector["id"]  # stored ones are cut


def test_broken_frames_are_refused_with_a_reason(vectors: list[dict[str, Any]]) -> None:
    broken = [vector for vector in vectors if not vector["frame_valid"]]
    assert broken
    for vector in broken:
        found = decode_line(vector["raw_hex"])
        assert not found["ok"]
        assert found["error"]["message"]


def test_all_frames_land_alike_in_bulk_and_one_by_one(vectors: list[dict[str, Any]]) -> None:
    blob, own = b"".join(bytes.fromhex(vector["raw_hex"]) for vector in vectors), {"_received_at": "", "_peer": ""}
    few = [json.loads(record) for record in landing._few(blob, own)]
    assert [json.loads(record) for record in landing._many(blob, own)] == few
    assert len(few) >= len(vectors)
