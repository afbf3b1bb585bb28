"""What a publication could not hold beside its scores is told, and the scores are published."""

from __future__ import annotations

from cityhub import log

logger = log.get("cityhub.publication")


def left_out(what: str, problem: str) -> None:
    """`what`: a kind of site or a dataset."""
    log.event(logger, "left out of the publication", level=40, code="CH-PUB-012", what=what, problem=problem[:300])
