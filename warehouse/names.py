"""Identifiers that come from outside the code: checked and quoted here and nowhere else."""

from __future__ import annotations

import re

from cityhub.errors import Stop

# 63 is PostgreSQL's limit, which a catalog or an exchange database may impose.
_ALLOWED = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def identifier(name: str) -> str:
    """The name quoted for SQL, or `Stop` CH-TABLE-001 when it is not lower-case letters, digits and `_`.

    Quoting is always on: canonical columns are named `class`, `load`, `check_result` or `type`.
    """
    if not _ALLOWED.fullmatch(name):
        raise Stop("CH-TABLE-001", name=name)
    return f'"{name}"'


def identifiers(names: list[str] | tuple[str, ...]) -> str:
    """A comma-separated list of quoted names."""
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """A text as an SQL literal, for the statements that take no parameters (COMMENT, ATTACH)."""
    return "'" + text.replace("'", "''") + "'"
