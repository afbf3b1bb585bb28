"""The bodies that the vendors' group robots take, as their documentation describes them, and what their answers mean.

企业微信: text 2,048 bytes, markdown 4,096 bytes, 20 messages a minute; `errcode` 0.
钉钉: 20 messages a minute; `errcode` 0; 加签 puts `timestamp` (milliseconds) and `sign` into the address.
飞书: 20 KB, 100 messages a minute; `code` 0; 签名 stands in the body, `timestamp` in seconds.
All answer HTTP 200 to a message that they refuse.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote_plus

from flow.notify.config import DingTalk, Feishu, WeCom
from flow.notify.message import Message, packed

Lines = list[tuple[str, ...]]
LIMITS = {("wecom", "markdown"): 4096, ("wecom", "text"): 2048, ("dingtalk", ""): 18_000, ("feishu", ""): 18_000}
# answers that pass by themselves: too many calls, a service that is busy
PASSING = {45009, -1, 130101, 130102, 410100, 9499, 11232, 11233, 99991400}


def wecom(channel: WeCom, message: Message) -> list[dict[str, Any]]:
    """Bodies for 企业微信, one a part."""
    bodies: list[dict[str, Any]] = []
    for title, part in _parts(message, LIMITS["wecom", channel.message]):
        if channel.message == "markdown":
            bodies.append({"msgtype": "markdown", "markdown": {"content": _markdown(title, part, "> ")}})
        else:
            text: dict[str, Any] = {"content": _text(title, part)}
            if channel.mention:
                text["mentioned_mobile_list"] = list(channel.mention)
            bodies.append({"msgtype": "text", "text": text})
    return bodies


def dingtalk(channel: DingTalk, message: Message) -> list[dict[str, Any]]:
    """Bodies for 钉钉, one a part; who is called must also stand in the text of a markdown message."""
    bodies: list[dict[str, Any]] = []
    calls = {"atMobiles": list(channel.mention), "isAtAll": False}
    for title, part in _parts(message, LIMITS["dingtalk", ""], channel.keyword):
        if channel.message == "markdown":
            called = "".join(f" @{number}" for number in channel.mention)
            markdown = {"title": title, "text": _markdown(title, part, "- ") + (f"\n\n{called}" if called else "")}
            bodies.append({"msgtype": "markdown", "markdown": markdown, "at": calls})
        else:
            bodies.append({"msgtype": "text", "text": {"content": _text(title, part)}, "at": calls})
    return bodies


def feishu(channel: Feishu, message: Message) -> list[dict[str, Any]]:
    """Bodies for 飞书, one a part, unsigned."""
    bodies: list[dict[str, Any]] = []
    for title, part in _parts(message, LIMITS["feishu", ""], channel.keyword):
        if channel.message == "post":
            lines = [[{"tag": "text", "text": line}] for block in part for line in (*block, "")]
            bodies.append({"msg_type": "post", "content": {"post": {"zh_cn": {"title": title, "content": lines[:-1]}}}})
        else:
            bodies.append({"msg_type": "text", "content": {"text": _text(title, part)}})
    return bodies


def generic(message: Message) -> dict[str, Any]:
    """The body of a webhook of one's own: every alert as data, with the id that makes a second delivery the same."""
    alerts = [
        {"id": item["id"], "event": item["event"], "created_at": item["created_at"],
         **{key: value for key, value in item["content"].items() if key != "passing"}}
        for item in message.items
    ]  # fmt: skip
    return {"schema_version": 1, "id": message.id, "title": message.title, "text": message.text(), "alerts": alerts}


def dingtalk_signed(url: str, secret: str, milliseconds: int) -> str:
    """The address with 加签: HMAC-SHA256 with the secret as key over `timestamp`, a line end and the secret."""
    text = f"{milliseconds}\n{secret}"
    sign = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())
    return f"{url}{'&' if '?' in url else '?'}timestamp={milliseconds}&sign={quote_plus(sign)}"


def feishu_signed(body: dict[str, Any], secret: str, seconds: int) -> dict[str, Any]:
    """The body with 签名: HMAC-SHA256 over nothing with `timestamp`, a line end and the secret as key."""
    sign = base64.b64encode(hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()
    return {"timestamp": str(seconds), "sign": sign, **body}


def refusal(answer: Any) -> tuple[int, str] | None:
    """Code and words of a vendor's refusal in a 200; None when the message was taken."""
    if not isinstance(answer, dict):
        return 0, "the answer is no JSON object"
    for code, words in (("errcode", "errmsg"), ("code", "msg"), ("StatusCode", "StatusMessage")):
        if code in answer:
            return None if answer[code] == 0 else (int(answer[code]), str(answer.get(words, ""))[:200])
    return 0, "the answer has no code"


def _parts(message: Message, limit: int, keyword: str | None = None) -> list[tuple[str, Lines]]:
    prefix = f"{keyword} " if keyword and keyword not in message.title else ""
    parts = packed(message, limit - len(prefix.encode()))
    number = len(parts)
    return [
        (prefix + message.title + (f"（{place}/{number}）" if number > 1 else ""), part)
        for place, part in enumerate(parts, 1)
    ]


def _markdown(title: str, part: Lines, mark: str) -> str:
    blocks = ["\n".join([f"**{lines[0]}**", *(f"{mark}{line}" for line in lines[1:])]) for lines in part]
    return "\n\n".join([f"### {title}", *blocks])


def _text(title: str, part: Lines) -> str:
    return "\n\n".join([title, *("\n".join(lines) for lines in part)])
