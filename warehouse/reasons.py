"""What a reason code of the quarantine means, and what its owner does about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

FILE = Path(__file__).with_name("reasons.yaml")


@dataclass(frozen=True)
class Meaning:
    """A reason in words; `do` is the remedy, for the department."""

    zh: str
    en: str
    do: str


@cache
def meanings() -> dict[str, Meaning]:
    """All reasons that the hub itself gives."""
    raw = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    return {code: Meaning(**words) for code, words in raw.items()}


def meaning(code: str) -> Meaning:
    """The meaning of a code; one that a gateway's protocol gave stands for itself."""
    return meanings().get(
        code, Meaning(f"报文不合规（{code}）", f"the frame was refused: {code}", "请厂商按协议更正设备报文")
    )
