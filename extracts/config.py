"""`extracts.yaml`: where a night pushes to, how many extracts keep their data, how long traces of consumers stay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY

Days = Annotated[int, Field(ge=1, le=100_000)]


class Config(BaseModel):
    """The whole file. `push`: names of templates, each once; None of a number: everything stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    push: tuple[str, ...] = ()
    keep: Annotated[int, Field(ge=1)] | None = None
    access_log_days: Days | None = 400
    receipt_days: Days | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Config:
        if len(set(self.push)) < len(self.push):
            raise ValueError("push names an upper level twice")
        return self


def file() -> Path:
    """Where it stands: `CITYHUB_EXTRACTS`, else `extracts.yaml` beside `alerts.yaml`."""
    return Path(os.environ.get("CITYHUB_EXTRACTS") or REPOSITORY / "extracts.yaml")


def load() -> Config:
    """The configuration; without a file no push, no prune. Raises `Usage` CH-EXT-020, all problems at once."""
    path = file()
    if not path.is_file():
        if os.environ.get("CITYHUB_EXTRACTS"):
            raise Usage("CH-EXT-020", file=str(path), problem="there is no such file")
        return Config()
    try:
        return Config.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {})
    except YAMLError as error:
        raise Usage("CH-EXT-020", file=str(path), problem=" ".join(str(error).split())[:300]) from None
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()
        ]
        raise Usage("CH-EXT-020", file=str(path), problem="; ".join(problems)) from None


def asks_the_night() -> bool:
    """Whether a night has something to do after the publication. A file that is wrong counts: the step says so, and the
    stages before it never depend on the file."""
    try:
        chosen = load()
    except Usage:
        return True
    return bool(chosen.push) or chosen.keep is not None
