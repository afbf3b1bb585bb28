"""Files that people write: YAML whose content is a model. All problems are said at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.errors import HubError, Usage
from cityhub.settings import REPOSITORY
from cityhub.spec.source import Model

T = TypeVar("T")
M = TypeVar("M", bound=Model)


def stated(path: Path, kind: type[T], refuse: Callable[[str], HubError]) -> T:
    """The content of a file; an empty one is an empty model. Raises what `refuse` makes of the problems."""
    try:
        content: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
        return TypeAdapter(kind).validate_python(content)
    except YAMLError as error:
        raise refuse(" ".join(str(error).split())[:300]) from None
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}" for item in error.errors()
        ]
        raise refuse("; ".join(problems)) from None


def place(name: str, variable: str) -> Path:
    """Where an installation's file stands: where the variable says, else beside the feeds of this repository."""
    return Path(os.environ.get(variable) or REPOSITORY / name)


def optional(kind: type[M], name: str, variable: str, code: str) -> M:
    """The file of an installation; without one the model's defaults. Raises `Usage` with the code, also for a file that
    the variable names and that is not there."""
    path = place(name, variable)

    def refuse(problem: str) -> Usage:
        return Usage(code, file=str(path), problem=problem)

    if not path.is_file():
        if os.environ.get(variable):
            raise refuse("there is no such file")
        return kind()
    return stated(path, kind, refuse)
