"""A spec around a source alone, for the connectors that want one, and what an address may not hold."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cityhub.errors import Usage
from cityhub.secrets import remember
from cityhub.spec.feed import FeedSpec

_SECRET = re.compile(r"(?i)^(password|passwd|pwd|token|access_?token|secret|app_?secret|app_?key|api_?key|key|sign)$")


def stub(source: dict[str, Any], feed: str) -> FeedSpec:
    """A spec that holds this source and nothing else of meaning."""
    return FeedSpec.model_validate(
        {
            "feed": feed,
            "title": {"zh": "?", "en": "?"},
            "platform": feed.partition(".")[0],
            "table": "unknown",
            "description": "?",
            "owner": {"department": "?", "person": "?", "phone": "?"},
            "source": source,
            "identity": {"key": ["any"]},
            "fields": {"any": {"from": "any"}},
        }
    )


def without_secrets(address: str, feed: str) -> str:
    """The address, when it holds no login; raises `Usage` CH-DRAFT-002 that names the way without printing it."""
    cut = urlsplit(address)
    held = [name for name, value in parse_qsl(cut.query) if _SECRET.match(name) and value and not value.startswith("$")]
    for name, value in parse_qsl(cut.query):
        if name in held:
            remember(value)
    if cut.password:
        remember(cut.password)
    if cut.username or cut.password:
        held.insert(0, "user and password")
    if held:
        platform = feed.partition(".")[0]
        raise Usage("CH-DRAFT-002", held=", ".join(held), user=f"{platform}_user", password=f"{platform}_password")
    return address


def dated(text: str, day: date) -> tuple[str, bool]:
    """A text with the digits of a day replaced by placeholders, and whether there were any."""
    for pattern, new in (
        (r"(?<!\d)20\d\d-[01]\d-[0-3]\d(?!\d)", "{day}"),
        (r"(?<!\d)20\d\d[01]\d[0-3]\d(?!\d)", "{day_compact}"),
        (r"(?<!\d)20\d\d-[01]\d(?!\d)", "{month}"),
    ):
        replaced = re.sub(pattern, new, text)
        if replaced != text:
            return replaced, True
    return text, False
