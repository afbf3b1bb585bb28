"""A group of commands whose bare name, or whose name with options, means its `list`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class DefaultList(TyperGroup):
    """`cityhub runs gas.alarm --day …` is `cityhub runs list gas.alarm --day …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` in front of arguments that begin with no command."""
        if not args or (args[0] not in self.commands and args[0] not in {"-h", "--help"}):
            args = ["list", *args]
        return super().parse_args(ctx, args)
