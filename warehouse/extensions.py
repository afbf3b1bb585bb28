"""DuckDB's extensions: the signed binaries of the PyPI packages, each one's signature checked once in a process.

DuckDB hashes the whole file at every LOAD: a third of a second for the two that each connection needs, more than most
of what is done with a connection. So a file is loaded once by a connection that checks it, and the same file after that
is not checked again.
"""

from __future__ import annotations

import os
import platform
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import duckdb

from cityhub.errors import Stop
from cityhub.settings import Settings

EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "httpfs")
_checked: set[tuple[str, int, int, int]] = set()  # files whose signature this process has seen to hold


def directory(settings: Settings) -> Path:
    """A folder in DuckDB's own layout with links to the binaries; raises `Stop` CH-LAKE-001 when one is missing."""
    for name in EXTENSIONS:
        link = _link(settings, name)
        if link.exists():
            continue
        spec = find_spec(f"duckdb_extension_{name}")
        found = (
            list(Path(next(iter(spec.submodule_search_locations))).rglob(link.name))
            if (spec and spec.submodule_search_locations)
            else []
        )
        if not found:
            raise Stop("CH-LAKE-001", extension=name, version=duckdb.__version__)
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary = link.with_suffix(f".{os.getpid()}")
        temporary.symlink_to(found[0])
        temporary.replace(link)
    return settings.home / "extensions"


def _link(settings: Settings, name: str) -> Path:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = settings.home / "extensions" / f"v{duckdb.__version__}" / f"linux_{machine}"
    return folder / f"{name}.duckdb_extension"


def connect(settings: Settings, config: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """A connection in memory with what these settings need loaded; raises `Stop` CH-LAKE-009 for a binary that is not
    what its maker signed."""
    base: dict[str, str | bool | int | float | list[str]] = {
        "extension_directory": str(directory(settings)),
        "autoinstall_known_extensions": "false",
    }
    names = _needed(settings)
    binaries = {name: _identity(_link(settings, name)) for name in names}
    fresh = [name for name in names if binaries[name] not in _checked]
    if fresh:
        with closing(duckdb.connect(config=base)) as checking:
            for name in fresh:
                try:
                    checking.execute(f"LOAD {name}")
                except duckdb.Error as error:
                    raise Stop("CH-LAKE-009", extension=name, detail=str(error).splitlines()[0]) from error
                _checked.add(binaries[name])
    con = duckdb.connect(config={**base, **config, "allow_unsigned_extensions": "true"})
    for name in names:
        con.execute(f"LOAD {name}")
    return con


def _needed(settings: Settings) -> list[str]:
    names = ["ducklake", "sqlite_scanner"]  # SQLite also as the catalog of a shadow
    if settings.catalog.startswith("postgres:"):
        names.append("postgres_scanner")
    if "://" in settings.data:
        names.append("httpfs")
    return names


def _identity(binary: Path) -> tuple[str, int, int, int]:
    found = binary.resolve()
    state = found.stat()
    return str(found), state.st_ino, state.st_size, state.st_mtime_ns
