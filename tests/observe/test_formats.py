"""The bodies that the vendors document: their shapes, their limits, their signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flow.notify import formats
from flow.notify.alert import Alert, block, plain
from flow.notify.config import DingTalk, Feishu, WeCom
from flow.notify.message import Message, compose


def item(number: int = 1, event: str = "new", **changes: Any) -> dict[str, Any]:
    alert = Alert(
        f"feed:gas.alarm{number}", "feed_failed", "critical", f"燃气报警{number}（gas.alarm{number}）：采集失败",
        "2026-11-21T01:20:00+08:00", "县住建局 燃气办 0371-1", "检查接口", "the port is closed", "CH-PULL-003",
        **changes,
    )  # fmt: skip
    return {"id": f"{number:032d}", "to": [], "event": event, "content": alert.__dict__,
            "created_at": "2026-11-21T01:21:00+08:00"}  # fmt: skip


def message(*items: dict[str, Any]) -> Message:
    return compose({"id": "batch-1", "items": list(items) or [item()]})


def test_a_text_says_what_since_when_whose_move_what_to_do_and_the_code() -> None:
    assert message().text().splitlines() == [
        "【城市数据中台】11-21 01:21 1 项告警（最高：严重）",
        "",
        "【严重】燃气报警1（gas.alarm1）：采集失败",
        "发生：2026-11-21 01:20 起",
        "说明：the port is closed",
        "责任：县住建局 燃气办 0371-1",
        "处理：检查接口",
        "错误码：CH-PULL-003",
    ]
    assert block("over", item()["content"]) == ["【严重】燃气报警1（gas.alarm1）：采集失败（已恢复）"]


def test_wecom_takes_markdown_or_text_with_mobile_numbers() -> None:
    (body,) = formats.wecom(WeCom(kind="wecom", url="u"), message())
    assert set(body) == {"msgtype", "markdown"} and set(body["markdown"]) == {"content"}
    assert body["markdown"]["content"].startswith("### 【城市数据中台】")
    assert "\n> 错误码：CH-PULL-003" in body["markdown"]["content"]
    (body,) = formats.wecom(WeCom(kind="wecom", url="u", message="text", mention=["@all"]), message())
    assert set(body) == {"msgtype", "text"} and body["text"]["mentioned_mobile_list"] == ["@all"]


def test_dingtalk_has_title_text_and_who_is_called() -> None:
    (body,) = formats.dingtalk(DingTalk(kind="dingtalk", url="u", mention=["13800000000"]), message())
    assert set(body) == {"msgtype", "markdown", "at"} and set(body["markdown"]) == {"title", "text"}
    assert body["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
    assert "@13800000000" in body["markdown"]["text"]
    (body,) = formats.dingtalk(DingTalk(kind="dingtalk", url="u", message="text", keyword="监控"), message())
    assert body["text"]["content"].startswith("监控 【城市数据中台】")


def test_feishu_takes_a_post_of_paragraphs_or_text() -> None:
    (body,) = formats.feishu(Feishu(kind="feishu", url="u"), message())
    assert body["msg_type"] == "post"
    post = body["content"]["post"]["zh_cn"]
    assert post["title"].startswith("【城市数据中台】")
    assert post["content"][0] == [{"tag": "text", "text": "【严重】燃气报警1（gas.alarm1）：采集失败"}]
    (body,) = formats.feishu(Feishu(kind="feishu", url="u", message="text"), message())
    assert body["msg_type"] == "text" and set(body["content"]) == {"text"}


def test_signs_are_those_of_the_documentation() -> None:
    signed = formats.dingtalk_signed("https://oapi.dingtalk.com/robot/send?access_token=x", "SECabc", 1599360473000)
    query = parse_qs(urlsplit(signed).query)
    want = base64.b64encode(hmac.new(b"SECabc", b"1599360473000\nSECabc", hashlib.sha256).digest()).decode()
    assert query == {"access_token": ["x"], "timestamp": ["1599360473000"], "sign": [want]}
    body = formats.feishu_signed({"msg_type": "text"}, "abc", 1599360473)
    want = base64.b64encode(hmac.new(b"1599360473\nabc", b"", hashlib.sha256).digest()).decode()
    assert body == {"timestamp": "1599360473", "sign": want, "msg_type": "text"}


@pytest.mark.parametrize("how", ["markdown", "text"])
def test_a_night_of_many_alerts_is_cut_into_parts_below_the_limit_and_none_is_lost(how: Any) -> None:
    many = message(*(item(number) for number in range(1, 41)))
    bodies = formats.wecom(WeCom(kind="wecom", url="u", message=how), many)
    texts = [body[how]["content"] for body in bodies]
    assert len(texts) > 1
    assert all(len(text.encode()) <= formats.LIMITS["wecom", how] for text in texts)
    assert all(sum(f"燃气报警{number}（" in text for text in texts) == 1 for number in range(1, 41))
    assert f"（1/{len(texts)}）" in texts[0]


def test_one_endless_alert_is_cut_at_a_character() -> None:
    long = item()
    long["content"] = long["content"] | {"detail": "详" * 390, "whose": "谁" * 390, "todo": "做" * 390}
    (body,) = formats.wecom(WeCom(kind="wecom", url="u", message="text"), message(long))
    assert len(body["text"]["content"].encode()) <= 2048
    assert body["text"]["content"].endswith("…")


def test_what_a_source_answered_calls_nobody_and_links_nowhere() -> None:
    assert plain("<@all> see [here](http://evil)\nnow") == "‹@all› see [here] (http://evil) now"


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"errcode": 0, "errmsg": "ok"}, None),
        ({"code": 0, "msg": "success", "StatusCode": 0}, None),
        ({"StatusCode": 0, "StatusMessage": "success"}, None),
        ({"errcode": 310000, "errmsg": "keywords not in content"}, (310000, "keywords not in content")),
        ({"code": 19021, "msg": "sign match fail"}, (19021, "sign match fail")),
        ({}, (0, "the answer has no code")),
        ("ok", (0, "the answer is no JSON object")),
    ],
)
def test_a_200_that_refuses_is_a_refusal(answer: Any, refused: Any) -> None:
    assert formats.refusal(answer) == refused
