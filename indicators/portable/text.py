"""The text of a definition as nested brackets of tokens, white space kept: what a translation walks over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<string>'(?:[^']|'')*')|(?P<param>\$\w+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<op><>|<=|>=|!=|\S)",
    re.DOTALL,
)


@dataclass
class Token:
    """A word, number, operator or white space; for `(` the tokens `inside` up to its `)`."""

    kind: str
    text: str
    inside: list[Token] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The name in lower case; empty for all else."""
        return self.text.lower() if self.kind == "name" else ""


def read(sql: str) -> list[Token]:
    """All tokens of a statement; `ValueError` where brackets do not match."""
    levels: list[list[Token]] = [[]]
    for match in TOKEN.finditer(sql):
        token = Token(match.lastgroup or "op", match.group())
        if token.text == ")" and token.kind == "op":
            if len(levels) == 1:
                raise ValueError("a ) without its (")
            levels.pop()
            continue
        levels[-1].append(token)
        if token.text == "(" and token.kind == "op":
            levels.append(token.inside)
    if len(levels) > 1:
        raise ValueError("a ( without its )")
    return levels[0]
