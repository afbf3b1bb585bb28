"""What an answer is: sentences in Chinese and English, each with the things that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal[
    "definition",  # file and line of the indicator
    "clause",  # where the indicator or a number comes from
    "limit",  # a threshold that the SQL takes
    "coverage",  # the least share of valid rows
    "delivery",  # a line of the ledger: feed, service day, state, load id
    "file",  # landed bytes with their sha256
    "rows",  # keys of rows in a canonical table
    "quarantine",  # refused rows with reason and place
    "check",  # a result of the quality run
    "deadline",  # until when, and who moves
    "days",  # days of a longer period
    "restatement",  # the number that it was before
]
Step = Literal[
    "answer", "reason", "formula", "limits", "coverage", "days", "feed", "check", "fallback", "file", "rows",
    "quarantine", "move", "restated", "definition",
]  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """One thing that a sentence rests on. `name` cites it as people do: a path, a load id, a clause."""

    kind: Kind
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sentence:
    """One step of the chain, the same in both languages."""

    step: Step
    zh: str
    en: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Why a value is what it is. `state` is that of the stored value, or `not_computed`; numbers are as stored."""

    code: str
    title_zh: str
    title_en: str
    measure: str
    unit_code: str
    unit_zh: str
    unit_en: str
    period_kind: str
    period: str
    state: str
    value: float | None
    numerator: float | None
    denominator: float | None
    coverage: float | None
    reason: str | None
    as_of: datetime | None
    sentences: tuple[Sentence, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def lines(self, lang: Literal["zh", "en"]) -> list[str]:
        """The chain as text: a numbered line a sentence, its references under it."""
        found: list[str] = []
        for number, item in enumerate(self.sentences, 1):
            found.append(f"{number}. {item.zh if lang == 'zh' else item.en}")
            found += [f"   → {_cited(reference)}" for reference in item.references]
        return found


def _cited(reference: Reference) -> str:
    facts = ", ".join(f"{key} {_plain(value)}" for key, value in reference.facts.items() if value not in (None, "", []))
    return f"[{reference.kind}] {reference.name}" + (f" ({facts})" if facts else "")


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_plain(item) for item in value)
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
