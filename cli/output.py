"""What commands print: tables for people, JSON for programs, errors with code, place and remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from cityhub.disk import explained
from cityhub.errors import HubError, Usage
from cityhub.secrets import redact
from cityhub.settings import load as load_settings

P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
err = Console(stderr=True, highlight=False, soft_wrap=True)


def as_json(value: Any) -> None:
    """Print one JSON document on standard output, nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=_jsonable) + "\n")


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if hasattr(value, "_asdict"):
        return value._asdict()
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on a terminal; tab-separated lines otherwise, so that other programs can cut them."""
    if not sys.stdout.isatty():
        sys.stdout.write(f"# {title}\n" + "\t".join(columns) + "\n")
        for row in rows:
            sys.stdout.write("\t".join(_cell(value) for value in row) + "\n")
        return
    grid = Table(title=title, title_justify="left")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*[_cell(value) for value in row])
    out.print(grid)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return str(value)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn our errors into one clear text (or JSON with `--json`) and the exit code of their family."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with explained():
                return command(*args, **kwargs)
        except HubError as error:
            report(error, bool(kwargs.get("json_output")))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            err.print("interrupted; what was finished stays, run the same command again to go on")
            raise typer.Exit(130) from None
        except Exception as error:
            told = _outdated(error)
            if told is None:
                raise
            report(told, bool(kwargs.get("json_output")))
            raise typer.Exit(told.exit_code) from None

    return wrapper


def _outdated(error: Exception) -> HubError | None:
    """What is wrong with the warehouse when the engine misses a table or column in it: an older version wrote it."""
    if type(error).__name__ not in {"BinderException", "CatalogException"}:
        return None
    from warehouse import lake, migrate

    try:
        with closing(lake.connect(load_settings(), read_only=True)) as con:
            migrate.demand_current(con)
    except HubError as told:
        return told
    return None


def report(error: HubError, json_output: bool = False) -> None:
    """Print one error for people on standard error, or as JSON on standard output."""
    if json_output:
        problems = getattr(error, "problems", None)
        as_json({"error": error.as_dict() | ({"problems": problems} if problems else {})})
    else:
        err.print(redact(error.text()), markup=False)


def parse_day(text: str | None, command: str) -> date | None:
    """A date from `YYYY-MM-DD`; None for None; a clear usage error otherwise."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage("CH-RUN-003", option="--day", detail=f"{text!r} is not YYYY-MM-DD", command=command) from None


def parse_month(text: str, command: str) -> str:
    """A month `YYYY-MM`; a clear usage error otherwise."""
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Usage("CH-RUN-003", option="month", detail=f"{text!r} is not YYYY-MM", command=command) from None
    return text
