"""Mistakes that stand in the file itself: what somebody types instead of the good spec, and what the check says."""

from __future__ import annotations

from dataclasses import dataclass

FEED = "gas.trial"
GOOD = """\
feed: gas.trial
title: {zh: 燃气压力, en: Gas pressure}
platform: gas
table: gas_trial
description: Pressure of the gas network.
owner: {department: 县住房和城乡建设局, person: 张三, phone: "0371-00000001"}
source:
  kind: database
  address: ${exchange_url}
  user: exchange_user
  password: exchange_password
  table: T_GAS
arrives: {schedule: "15 1 * * *", expected_by: "06:00", min_rows: 10}
identity: {key: [point_id, ts], day_from: ts}
fields:
  point_id: {from: CDBH, required: true}
  ts: {from: CJSJ, type: timestamp, required: true}
  kpa: {from: YL, type: double, unit: MPa, to: kPa, min: 0, max: 1000}
  state: {from: ZT, codes: {"01": normal, "02": alarm}}
checks:
  - {check: not_null, column: kpa, mostly: 0.9}
examples:
  - given: {CDBH: P1, CJSJ: "2026-11-20 08:00:00", YL: "0.2", ZT: "01"}
    expect: {point_id: P1, kpa: 200, state: normal}
"""


@dataclass(frozen=True)
class Typed:
    """`old` of the good spec was typed as `new`; `code` and `words` are told at `line`, and `key` is named."""

    what: str
    old: str
    new: str
    code: str
    line: int
    key: str
    words: str


KPA = "kpa: {from: YL, type: double, unit: MPa, to: kPa, min: 0, max: 1000}"
TYPED = [
    Typed("a tab before a key", "  table: T_GAS", "\ttable: T_GAS", "CH-REG-001", 12, "", "two spaces"),
    Typed("a Chinese colon after a key", "platform: gas", "platform：gas", "CH-REG-002", 3, "", "English input method"),
    Typed("a Chinese comma between two keys", "张三, phone", "张三，phone", "CH-REG-002", 6, "", "type ,"),
    Typed("a key in full-width letters", "platform:", "ｐlatform:", "CH-REG-002", 3, "ｐlatform", "type platform"),
    Typed("the same field twice", f"  {KPA}", f"  {KPA}\n  ts: {{from: B}}", "CH-REG-003", 19, "fields.ts", "delete"),
    Typed("a bracket that is not closed", "[point_id, ts]", "[point_id, ts", "CH-REG-004", 14, "", "bracket"),
    Typed("no space after a colon", "platform: gas", "platform:gas", "CH-REG-008", 3, "platform", "platform: …"),
    Typed("a mistyped key", "  user: exch", "  uesr: exch", "CH-REG-010", 10, "source.uesr", "type `user`"),
    Typed(
        "a key in the wrong part",
        "table: T_GAS",
        'table: T_GAS\n  expected_by: "06:00"',
        "CH-REG-010",
        13,
        "source.expected_by",
        "move it to `arrives`",
    ),
    Typed(
        "a word of another tool", "type: double", "type: float", "CH-REG-012", 18, "fields.kpa.type", "type `double`"
    ),
    Typed("a mistyped kind of source", "kind: database", "kind: databse", "CH-REG-012", 8, "source.kind", "`database`"),
    Typed("a key left out", "platform: gas\n", "", "CH-REG-011", 1, "platform", "platform: gas"),
    Typed(
        "null without quotes",
        "required: true}\n  ts",
        "if_bad: null}\n  ts",
        "CH-REG-012",
        16,
        "fields.point_id.if_bad",
        '"null"',
    ),
    Typed("a code without quotes", 'ZT: "01"}', "ZT: 01}", "CH-REG-007", 23, "examples[0].given.ZT", 'type "01"'),
    Typed(
        "a code in the list without quotes",
        '"01": normal',
        "01: normal",
        "CH-REG-007",
        19,
        "fields.state.codes.1",
        'type "01"',
    ),
    Typed(
        "a phone number without quotes", '"0371-00000001"', "13800000001", "CH-REG-007", 6, "owner.phone", "with quotes"
    ),
    Typed("a time as 6:00", '"06:00"', '"6:00"', "CH-REG-016", 13, "arrives.expected_by", '"06:00"'),
    Typed("a time as 600", '"06:00"', "630", "CH-REG-016", 13, "arrives.expected_by", '"06:00"'),
    Typed("a time of day as cron", '"15 1 * * *"', '"1:15"', "CH-REG-027", 13, "arrives.schedule", '"15 1 * * *"'),
    Typed(
        "是 for true",
        "required: true}\n  ts",
        "required: 是}\n  ts",
        "CH-REG-013",
        16,
        "fields.point_id.required",
        "type true",
    ),
    Typed("a unit that is none", "unit: MPa", "unit: Mpa", "CH-REG-022", 18, "fields.kpa.unit", "unit: MPa, to: kPa"),
    Typed("a unit without its target", ", to: kPa", "", "CH-REG-023", 18, "fields.kpa.unit", "add `to"),
    Typed(
        "limits the wrong way round",
        "min: 0, max: 1000",
        "min: 1000, max: 0",
        "CH-REG-024",
        18,
        "fields.kpa.min",
        "smaller",
    ),
    Typed(
        "a zone that is none",
        "type: timestamp,",
        "type: timestamp, zone: 北京,",
        "CH-REG-025",
        17,
        "fields.ts.zone",
        "Asia/Shanghai",
    ),
    Typed(
        "a pattern that is none",
        "point_id: {from: CDBH",
        'point_id: {from: CDBH, pattern: "[0-9"',
        "CH-REG-026",
        16,
        "fields.point_id.pattern",
        "close brackets",
    ),
    Typed(
        "the source's name in the key",
        "[point_id, ts]",
        "[CDBH, ts]",
        "CH-REG-020",
        14,
        "identity.key[0]",
        "type `point_id`",
    ),
    Typed(
        "one code twice, once full-width",
        '"02": alarm',
        '"０１": alarm',
        "CH-REG-029",
        19,
        "fields.state.codes.０１",
        "remove one",
    ),
    Typed(
        "the password itself",
        "password: exchange_password",
        "password: Abc-2026!",
        "CH-REG-033",
        11,
        "source.password",
        "gas_password",
    ),
    Typed(
        "a password of digits alone",
        "password: exchange_password",
        "password: 20261234",
        "CH-REG-033",
        11,
        "source.password",
        "gas_password",
    ),
    Typed(
        "a password in the address",
        "${exchange_url}",
        "mysql://u:Abc-2026!@10.1.1.1/x",
        "CH-REG-034",
        9,
        "source.address",
        "remove it",
    ),
    Typed("a hub's table", "table: gas_trial", "table: delivery", "CH-REG-031", 4, "table", "gas_delivery"),
    Typed("another feed's table", "table: gas_trial", "table: gas_point", "CH-REG-030", 4, "table", "another name"),
    Typed(
        "a column of the hub", "  state:", "  service_day:", "CH-REG-032", 19, "fields.service_day", "service_day_sent"
    ),
    Typed("a TODO of the draft", "person: 张三", "person: TODO", "CH-REG-035", 6, "owner.person", "fill it in"),
    Typed("an example that does not hold", "kpa: 200", "kpa: 0.2", "CH-REG-036", 23, "examples[0]", "got kpa: 200"),
    Typed(
        "a placeholder that is none",
        "${exchange_url}",
        "${exchange_url}/{today}",
        "CH-REG-044",
        9,
        "source.address",
        "{day}",
    ),
    Typed(
        "a file under another feed's name",
        "feed: gas.trial",
        "feed: gas.trail",
        "CH-REG-018",
        1,
        "feed",
        "rename the file",
    ),
    Typed(
        "a platform that is not the feed's", "platform: gas", "platform: heat", "CH-REG-017", 1, "feed", "heat.trial"
    ),
]
