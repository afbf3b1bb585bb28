"""Do all publications follow from one another? Each names the manifest that it takes the place of, by its sha256."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cityhub.errors import HubError
from scoring.publication.manifest import NAME, Manifest, folder_of, numbers, read, sha256

# What may follow what in a month: nothing follows a final month but a correction.
FOLLOWS = {"provisional": {"provisional", "final"}, "final": {"corrected"}, "corrected": {"corrected"}}


def problems(root: Path) -> dict[int, list[str]]:
    """Number → what is wrong with its place in the chain, for those with problems."""
    every: dict[int, Manifest] = {}
    found: dict[int, list[str]] = {}
    for number in numbers(root):
        try:
            every[number] = read(folder_of(root, number))
        except HubError as error:
            found[number] = [error.part("what")]
    taken: dict[int, int] = {}
    for number, made in every.items():
        found[number] = list(_one(root, every, number, made, taken))
    return {number: said for number, said in found.items() if said}


def _one(root: Path, every: dict[int, Manifest], number: int, made: Manifest, taken: dict[int, int]) -> Iterator[str]:
    if made.number != number:
        yield f"{NAME}: it says number {made.number}"
        return
    yield from _signed(made)
    earlier = [other for other, its in every.items() if its.period == made.period and other < number]
    if made.supersedes is None:
        if earlier:
            yield f"chain: {made.period} was published under {max(earlier)} before, which this one does not name"
        elif made.status == "corrected":
            yield "chain: it corrects no publication"
        return
    before = every.get(made.supersedes)
    if before is None:
        yield f"chain: publication {made.supersedes}, which it takes the place of, is not there or cannot be read"
        return
    if sha256(folder_of(root, made.supersedes) / NAME) != made.supersedes_sha256:
        yield f"chain: the manifest of publication {made.supersedes} is not the one that this one was made after"
    if before.period != made.period or made.supersedes >= made.number:
        yield f"chain: publication {made.supersedes} is no earlier one of {made.period}"
    if made.status not in FOLLOWS.get(before.status, set()):
        yield f"chain: {made.status} cannot follow publication {made.supersedes}, which is {before.status}"
    if made.supersedes in taken:
        yield f"chain: publication {taken[made.supersedes]} takes the place of {made.supersedes} as well"
    taken.setdefault(made.supersedes, made.number)


def _signed(made: Manifest) -> Iterator[str]:
    """Whether those are named who answer for it; the first version of the manifest did not ask."""
    if made.schema_version < 2:  # the version that brought the names
        return
    if made.status == "final" and not made.approved_by:
        yield f"{NAME}: final, and nobody is named who approved it"
    if made.status == "corrected" and not (made.corrected_by and made.reason):
        yield f"{NAME}: corrected, without a reason or a name"
