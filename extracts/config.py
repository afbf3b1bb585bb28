"""`extracts.yaml`: where a night pushes to, how many extracts keep their data, how long traces of consumers stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cityhub.errors import Usage
from cityhub.spec.source import Model
from cityhub.stated import optional

Days = Annotated[int, Field(ge=1, le=100_000)]


class Config(Model):
    """The whole file. `push`: names of templates, each once; None of a number: everything stays."""

    push: tuple[str, ...] = ()
    keep: Annotated[int, Field(ge=1)] | None = None
    access_log_days: Days | None = 400
    receipt_days: Days | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Config:
        if len(set(self.push)) < len(self.push):
            raise ValueError("push names an upper level twice")
        return self


def load() -> Config:
    """The configuration, beside `alerts.yaml` or where `CITYHUB_EXTRACTS` says; without a file no push, no prune.
    Raises `Usage` CH-EXT-020, all problems at once."""
    return optional(Config, "extracts.yaml", "CITYHUB_EXTRACTS", "CH-EXT-020")


def asks_the_night() -> bool:
    """Whether a night has something to do after the publication. A file that is wrong counts: the step says so, and the
    stages before it never depend on the file."""
    try:
        chosen = load()
    except Usage:
        return True
    return bool(chosen.push) or chosen.keep is not None
