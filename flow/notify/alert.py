"""One alert: what is wrong, since when, whose move it is, what to do. Chinese first, for people in departments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from flow.notify.config import Severity

Event = Literal["new", "repeat", "worse", "over"]
SEVERITY_ZH = {"critical": "严重", "warning": "警告", "info": "提示"}
EVENT_ZH = {"new": "", "repeat": "（仍未恢复）", "worse": "（加重）", "over": "（已恢复）"}


@dataclass(frozen=True)
class Alert:
    """`key` says what it is about: the same key is the same trouble, whatever it grows into. Times are ISO texts.

    `passing` alerts tell of something that happened; they are told once and never end.
    """

    key: str
    kind: str
    severity: Severity
    title: str
    since: str | None = None
    whose: str | None = None
    todo: str | None = None
    detail: str | None = None
    code: str | None = None
    feed: str | None = None
    department: str | None = None
    day: str | None = None
    passing: bool = False


def plain(text: object, limit: int = 400) -> str:
    """A text for a chat message: one line, no markup. Vendors turn `<@user>` and `[a](b)` into calls and links, and an
    error may hold what a broken source answered."""
    line = " ".join(str(text).split()).replace("<", "‹").replace(">", "›").replace("](", "] (")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def block(event: Event, alert: dict[str, Any]) -> list[str]:
    """The lines that tell one alert: what, since when, whose move, what to do, error code."""
    head = f"【{SEVERITY_ZH[alert['severity']]}】{plain(alert['title'])}{EVENT_ZH[event]}"
    if event == "over":
        return [head]
    lines = [head]
    named = (("业务日", "day"), ("发生", "since"), ("说明", "detail"), ("责任", "whose"), ("处理", "todo"))
    for name, key in (*named, ("错误码", "code")):
        if alert.get(key):
            value = str(alert[key])[:16].replace("T", " ") + " 起" if key == "since" else plain(alert[key])
            lines.append(f"{name}：{value}")
    return lines
