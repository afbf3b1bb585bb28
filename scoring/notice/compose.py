"""From facts to the text of the notice, in the order of a county's 通报."""

from __future__ import annotations

from decimal import Decimal

from scoring.notice import tables as table
from scoring.notice.document import Appendix, Block, Heading, Notice, Paragraph
from scoring.notice.facts import Facts
from scoring.publication.export import STATUSES


def compose(facts: Facts) -> Notice:
    """The notice. Pure: the same facts give the same text."""
    found = facts.published.manifest
    status = STATUSES[found.status]
    year, month = found.period.split("-")
    stamp = f"发布第 {found.number:06d} 号　{status}　发布时间 {facts.published.at:%Y-%m-%d %H:%M}"
    stamp += f"　数据截至 {found.service_day}"
    return Notice(
        title=(f"关于{year}年{int(month)}月城市精细化管理", "考评情况的通报"),
        subtitle="" if found.status == "final" else f"（{status}）",
        mark=status,
        head=stamp,
        foot=f"SHA-256 {facts.published.sha256}",
        at=facts.published.at,
        blocks=tuple(_body(facts)),
        appendices=(
            Appendix("附件1　文件未定之处的取值（开关）", (table.switches(facts),)),
            Appendix("附件2　指标清单及出处", (table.indicators(facts), Paragraph(table.INDICATOR_NOTE, "note"))),
        ),
    )


def _body(facts: Facts) -> list[Block]:
    return [
        *_opening(facts),
        *_basis(facts),
        *_ranking(facts),
        *_parts(facts),
        *_events(facts),
        *_consequences(facts),
        *_completeness(facts),
        Paragraph("附件：1．文件未定之处的取值（开关）　2．指标清单及出处"),
        Paragraph("（发文机关署名、印章）", "blank"),
        Paragraph("　　　　年　　月　　日", "blank"),
    ]


def _opening(facts: Facts) -> list[Block]:
    found, rules = facts.published.manifest, facts.published.scheme
    year, month = found.period.split("-")
    who = "、".join(f"{len(league.units)} 个{league.title}" for league in facts.leagues)
    documents = "、".join(source.doc for source in rules.sources.values())
    last = found.service_day
    over = "" if found.complete else "，本月尚未结束"
    blocks: list[Block] = [Paragraph(f"各{'、'.join(league.title for league in facts.leagues)}：", "address")]
    if found.status == "provisional":
        blocks.append(
            Paragraph("本件依据暂定发布生成：成绩、名次、等次均为暂定，奖惩尚未生效，不得作为兑现依据。", "notice")
        )
    if found.status == "corrected":
        before = "" if found.supersedes is None else f"，代替第 {found.supersedes:06d} 号发布"
        blocks.append(Paragraph(f"本件为更正{before}。更正理由：{found.reason}。", "notice"))
    blocks.append(
        Paragraph(
            f"依据{documents}，对 {who} {year} 年 {int(month)} 月的城市精细化管理工作进行了考评。"
            f"数据截至 {last}{over}。现将情况通报如下。"
        )
    )
    return blocks


def _basis(facts: Facts) -> list[Block]:
    rules, policy, switches = (
        facts.published.scheme,
        facts.published.policy,
        table.in_order(facts.published.rows["switches"]),
    )
    documents = "、".join(f"{source.doc}（{source.date}）" for source in rules.sources.values())
    changed = [row for row in switches if row["option"] != row["default_option"]]
    other = "全部取默认值" if not changed else f"其中 {len(changed)} 项不取默认值："
    other += "；".join(f"{row['id']}（{row['name']}）取 {row['option']}：{row['meaning']}" for row in changed)
    blocks: list[Block] = [Heading("一、考评范围与依据")]
    blocks += [
        Paragraph(f"{league.title}：{'、'.join(unit.name for unit in league.units)}。") for league in facts.leagues
    ]
    blocks += [
        Paragraph(f"考评办法：{rules.title.zh}（{rules.scheme}，版本 {rules.version}），依据 {documents}。"),
        Paragraph(f"计分公式：{rules.formula}。"),
        Paragraph(f"数字城管得分办法（{policy.policy} {policy.version}）：{policy.note}。"),
        Paragraph(f"文件未定之处共 {len(switches)} 项，{other}。逐项取值见附件1。"),
    ]
    made = facts.published.manifest
    for label, person in (("批准人", made.approved_by), ("更正人", made.corrected_by)):
        if person:
            blocks.append(Paragraph(f"{label}：{person}。"))
    return blocks


def _ranking(facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading("二、考评结果")]
    for number, league in enumerate(facts.leagues, 1):
        blocks += [Heading(f"（{'一二三四五六七八九'[number - 1]}）{league.title}", 2), table.ranking(league)]
    blocks.append(
        Paragraph(
            "注：成绩按未舍入的数排名和评定等次，表中四舍五入到两位小数，全部位数见同号排名表；“缺”表示没有数据，"
            "不是零分；“暂定”表示所依据的数据不全或尚未核定。",
            "note",
        )
    )
    return blocks


def _parts(facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading("三、各组成得分")]
    for number, league in enumerate(facts.leagues, 1):
        blocks += [Heading(f"（{'一二三四五六七八九'[number - 1]}）{league.title}", 2), table.parts(league)]
        for component in league.components:
            if any(item.id in unit.parts for item in league.members.get(component.id, ()) for unit in league.units):
                blocks.append(table.members(league, component))
    blocks.append(
        Paragraph(
            "注：组成项下为得分，括号内为权重；“—”表示该项不适用于该单位；“缺”不是零分；带“暂”的得分为暂定。", "note"
        )
    )
    return blocks


def _events(facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading("四、加分与减分")]
    if not facts.events:
        return [*blocks, Paragraph("本月没有核定的加分、减分事项。")]
    plus = [item for item in facts.events if item.stated > 0]
    blocks.append(
        Paragraph(f"本月核定加分 {len(plus)} 项、减分 {len(facts.events) - len(plus)} 项，逐项列明依据文号。")
    )
    return [*blocks, table.events(facts)]


def _consequences(facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading("五、奖惩")]
    rules = facts.published.scheme.consequences
    human = [rule for rule in rules if rule.trigger.kind == "human"]
    fired = {item.rule for item in facts.consequences}
    idle = [rule for rule in rules if rule.id not in fired and rule not in human]
    yearly = [rule.id for rule in idle if rule.cadence == "year"]
    if facts.consequences:
        money = sum((item.money for item in facts.consequences), Decimal(0))
        force = [item for item in facts.consequences if item.in_force]
        state = "均已生效" if len(force) == len(facts.consequences) else "均为暂定，尚未生效"
        if 0 < len(force) < len(facts.consequences):
            state = f"其中 {len(force)} 项生效，其余暂定"
        blocks.append(
            Paragraph(f"本月按规则触发奖惩 {len(facts.consequences)} 项，{state}；奖金合计 {money:,.2f} 元。")
        )
        blocks.append(table.consequences(facts))
    else:
        blocks.append(Paragraph("本月没有规则触发奖惩。"))
    if silent := [rule.id for rule in idle if rule.cadence != "year"]:
        blocks.append(Paragraph(f"本月未触发的规则：{'、'.join(silent)}。"))
    if yearly:
        blocks.append(Paragraph(f"按年度判断、本月不适用的规则：{'、'.join(yearly)}。"))
    for rule in human:
        when = getattr(rule.trigger, "when", "")
        blocks.append(
            Paragraph(
                f"{rule.id}（{rule.clause}）由考评机构决定，不由成绩自动触发：{when}的，{'、'.join(rule.action)}。"
            )
        )
    return blocks


def _completeness(facts: Facts) -> list[Block]:
    blocks: list[Block] = [Heading("六、数据完整性与缺项")]
    days, fine = sum(feed.days for feed in facts.feeds), sum(feed.fine for feed in facts.feeds)
    refused = sum(feed.quarantined for feed in facts.feeds)
    blocks.append(
        Paragraph(
            f"本月台账有 {len(facts.feeds)} 个数据源 {days} 个交付日，正常 {fine} 个，未正常到数 {days - fine} 个；"
            f"退回（隔离）{refused} 行，未计入成绩。"
        )
    )
    if any(feed.others for feed in facts.feeds):
        blocks.append(table.feeds(facts))
    if facts.gaps:
        blocks += [Paragraph("缺少或暂定的考评数据如下，均未按零分计：", "plain"), table.gaps(facts)]
    else:
        blocks.append(Paragraph("各单位的考评数据齐全，没有缺项。"))
    held = [unit for league in facts.leagues for unit in league.units if unit.score is None]
    if held:
        blocks.append(
            Paragraph("因缺项暂不出总分的单位：" + "；".join(f"{unit.name}（{unit.reason}）" for unit in held) + "。")
        )
    return blocks
