"""Several alerts as one message: a title, and blocks of lines that a channel packs as it needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flow.notify.alert import SEVERITY_ZH, block, plain
from flow.notify.config import ORDER

Item = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What one delivery says. `items` are the alerts as written down, for channels that take data."""

    id: str
    title: str
    blocks: tuple[tuple[str, ...], ...]
    items: tuple[Item, ...]

    def text(self) -> str:
        """As plain text."""
        return "\n\n".join([self.title, *("\n".join(lines) for lines in self.blocks)])


def compose(batch: dict[str, Any]) -> Message:
    """The message of a batch: alerts first, the worst on top, then what is over, then digests."""
    items = sorted(batch["items"], key=_order)
    blocks = [_block(item) for item in items]
    return Message(batch["id"], _title(items), tuple(tuple(lines) for lines in blocks), tuple(items))


def _order(item: Item) -> tuple[int, int, str]:
    rank = {"over": 1, "digest": 2, "test": 2}.get(item["event"], 0)
    severity = item["content"].get("severity", "info")
    return rank, -ORDER.index(severity), str(item["content"].get("key"))


def _block(item: Item) -> list[str]:
    if item["event"] in {"digest", "test"}:
        return [plain(line) for line in item["content"]["lines"]]
    return block(item["event"], item["content"])


def _title(items: list[Item]) -> str:
    if len(items) == 1 and items[0]["event"] in {"digest", "test"}:
        return f"【城市数据中台】{plain(items[0]['content']['title'])}"
    over = sum(item["event"] == "over" for item in items)
    open_ = [item for item in items if item["event"] not in {"over", "digest", "test"}]
    parts = []
    if open_:
        worst = max((item["content"]["severity"] for item in open_), key=ORDER.index)
        parts.append(f"{len(open_)} 项告警（最高：{SEVERITY_ZH[worst]}）")
    if over:
        parts.append(f"{over} 项已恢复")
    if len(open_) + over < len(items):
        parts.append("待办提醒")
    at = max(item["created_at"] for item in items)[5:16].replace("T", " ")  # each try says the same
    return f"【城市数据中台】{at} {'，'.join(parts)}"


def packed(message: Message, limit: int) -> list[list[tuple[str, ...]]]:
    """The blocks in as few parts as keep each below `limit` bytes of UTF-8, title included; a block that is longer
    alone is cut, at a character."""
    room = limit - len(message.title.encode()) - 64
    parts: list[list[tuple[str, ...]]] = [[]]
    used = 0
    for lines in message.blocks:
        size = sum(len(line.encode()) + 4 for line in lines) + 4
        if size > room:
            lines = (_cut("\n".join(lines), room),)  # noqa: PLW2901
            size = room
        if used + size > room and parts[-1]:
            parts.append([])
            used = 0
        parts[-1].append(lines)
        used += size
    return parts


def _cut(text: str, size: int) -> str:
    return text.encode()[: size - 8].decode("utf-8", "ignore") + "…"
