"""Where an indicator comes from and how sure that is, in Chinese; words that are not known stay as the definition has
them."""

from __future__ import annotations

import re

_WORDS = {
    "proposed by this project": "本平台拟定",
    "formula in public code of a real city platform": "某城市平台公开代码中的公式",
    "name seen in a vendor field list": "厂商字段表中见名称",
    "seen in public code": "见于公开代码",
    "observed on real CEMS daily feed": "据实际在线监测日数据",
    "vendor metric": "厂商指标",
    "Dengfeng notice": "登封市文件",
    "Qi County notice": "杞县文件",
    "MOHURD": "住建部",
    "(PDF read: Tables 8, B.2, Annex D)": "（已核原文：表8、表B.2、附录D）",
    "national target": "国家目标",
    "threshold customary": "限值按惯例",
    "formula and scoring text": "公式与评分原文",
    "formula memory": "公式待核",
    "threshold memory": "限值待核",
    "denominator memory": "分母待核",
    "limit memory": "限值待核",
    "limits memory": "限值待核",
    "alert memory": "报警值待核",
    "formula proposed": "公式拟定",
    "concept seen": "概念已见",
    "codes seen": "代码已见",
    "name seen": "名称已见",
    "text seen": "原文已见",
    "validity rule": "有效性规则",
    "validity": "有效性",
    "limits in the data": "限值见于数据",
    "numbers measured": "实测",
    "measured": "实测",
    "statistic": "统计",
    "proposed": "拟定",
    "practice": "惯例",
    "memory": "待核",
    "seen": "已见原文",
}
_ANY = re.compile("|".join(re.escape(words) for words in sorted(_WORDS, key=len, reverse=True)))


def origin(source: str, confidence: str) -> str:
    """`本平台拟定（拟定）`: the source, and in brackets how sure it is."""
    first, second = (_ANY.sub(lambda found: _WORDS[found[0]], text) for text in (source, confidence))
    return first if first in {second, "本平台拟定"} and second == "拟定" else f"{first}（{second}）"
