"""The fuzzer of `bench/` at small size, and that it would see what it looks for."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bench.fuzz import judged, landed, run
from bench.fuzz_targets import TARGETS, mutated


@pytest.mark.parametrize("name", TARGETS)
def test_no_decoder_fails_on_mutated_frames(name):
    result = run(name, 1500, seed=7)
    assert result["failures"] == []
    assert result["seen"]["accepted"] > 100
    assert sum(number for what, number in result["seen"].items() if what != "records") == 1500


@pytest.mark.parametrize("name", TARGETS)
def test_the_fuzzer_notices_a_decoder_that_accepts_everything(name):
    target, rng = TARGETS[name], random.Random(1)
    frames = [mutated(target, target.own(), rng) for _ in range(500)]
    assert any(judged(target, lambda _: {"ok": True}, frame, Counter()) for frame in frames)
    assert not any(judged(target, lambda _: {"ok": True}, frame, Counter()) for frame in target.own())


def test_the_fuzzer_notices_an_exception():
    def broken(line: str) -> dict[str, object]:
        raise KeyError("QN")

    assert "KeyError" in (judged(TARGETS["hj212"], broken, b"##", Counter()) or "")
    assert landed(TARGETS["hj212"], b"##", Counter()) is None
