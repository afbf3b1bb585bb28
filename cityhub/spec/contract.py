"""What a change of a source's columns does to a delivery: the contract between a feed and its platform."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cityhub.spec.source import Model

Reaction = Literal["accept", "quarantine", "stop"]


class Contract(Model):
    """One reaction a kind of change. Each change is a finding with a suggested spec change, whatever the reaction.

    accept: load what can be loaded; quarantine: the rows that the change touches wait there and can be replayed;
    stop: nothing of the delivery is loaded, the bytes stay in landing.
    """

    new: Reaction = Field("accept", description="a column that the spec does not know; quarantine: rows with a value")
    missing: Reaction = Field(
        "accept", description="no row has the column: accept leaves it empty; where it is required the feed stops"
    )
    renamed: Reaction | None = Field(
        None,
        description="a missing column and one new one that is clearly it: accept reads it; none: as missing and new",
    )
    retyped: Reaction | None = Field(
        None,
        description="most values cannot be read as the declared type: accept empties and flags them where the field is"
        " not required, quarantine keeps their rows back; none: as each field's if_bad says",
    )
    retyped_share: float = Field(0.5, gt=0, le=1, description="share of unreadable values that counts as a new type")
