"""Pages of tables, as Markdown: one a platform or part of the hub, and the index."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from cityhub.spec.feed import FeedSpec
from flow.dictionary.whole import Whole
from warehouse.dictionary.entry import Column, Table, Text

INDEX = "index.md"
MADE = "<!-- Made by `cityhub dictionary` from feed specs, definitions and words: change those, not this page. -->\n"
_TYPES = {"VARCHAR": "text", "TIMESTAMP WITH TIME ZONE": "timestamp", "BIGINT": "integer", "INTEGER": "integer"}
_CODES = 20


def index(whole: Whole) -> str:
    """The page that leads to all others; its introduction is `index.md` beside this module."""
    lines = [MADE, files("flow.dictionary").joinpath("intro.md").read_text(encoding="utf-8").rstrip(), ""]
    lines += ["## 平台与部分 Platforms and parts", ""]
    lines += ["| | tables | indicators |", "|---|---|---|"]
    for part, title in whole.parts.items():
        tables, codes = whole.of_part(part), [item for item in whole.definitions if item.platform == part]
        shown = f"[{len(tables)}]({part}.md)" if tables else "–"
        measured = f"[{len(codes)}]({part}-indicators.md)" if codes else "–"
        lines.append(f"| {cell(title.zh)} {cell(title.en)} | {shown} | {measured} |")
    lines += ["", "## 数据表 Tables", "", "| table | 名称 | what a row is | key |", "|---|---|---|---|"]
    for table in sorted(whole.tables, key=lambda item: item.name):
        link = f"[`{table.name}`]({table.part}.md#{table.name})"
        lines.append(f"| {link} | {cell(table.title.zh)} | {cell(table.grain.en)} | {_names(table.key)} |")
    lines += ["", "## 指标 Indicators", "", "| code | 名称 | name | unit | platform |", "|---|---|---|---|---|"]
    for item in whole.definitions:
        link = f"[{item.code}]({item.platform}-indicators.md#{item.code.lower()})"
        lines.append(f"| {link} | {cell(item.title.zh)} | {cell(item.title.en)} | {item.unit} | {item.platform} |")
    return "\n".join(lines) + "\n"


def page(whole: Whole, part: str) -> str:
    """All tables of a platform or part."""
    title = whole.parts[part]
    lines = [MADE, f"# {title.zh} {title.en}", "", f"[数据字典 Dictionary]({INDEX})"]
    if any(item.platform == part for item in whole.definitions):
        lines[-1] += f" · [指标 Indicators]({part}-indicators.md)"
    for table in whole.of_part(part):
        lines += ["", *described(table, whole.specs.get(table.name))]
    return "\n".join(lines) + "\n"


def described(table: Table, spec: FeedSpec | None = None) -> Iterator[str]:
    """The lines about one table."""
    yield f'## <a id="{table.name}"></a>{table.name} {table.title.zh}'
    yield ""
    yield f"{table.title.en}."
    yield ""
    yield f"* 粒度 Grain: {_both(table.grain)}"
    yield f"* 主键 Key: {_names(table.key)}"
    if spec is not None:
        each = "month" if spec.arrives.per == "month" else "day"
        yield (
            f"* 来源 Source: feed `{spec.feed}` ({spec.source.kind}), once a {each}, "
            f"by {spec.arrives.expected_by}; {spec.owner.department}{'' if spec.active else '; 未启用 switched off'}"
        )
    for item in table.references:
        yield f"* 连接 Joins: `{item.column}` → `{item.table}.{item.target}`"
    for warning in table.warnings:
        yield f"* **注意 Mind**: {_both(warning)}"
    yield ""
    yield "| column | type | unit | 中文 | English | 空值 NULL |"
    yield "|---|---|---|---|---|---|"
    for column in table.columns:
        yield _row(column)


def _row(column: Column) -> str:
    en = column.title.en
    if 1 < len(column.codes) <= _CODES:
        en = f"{en}: {', '.join(column.codes)}"
    if column.minimum is not None or column.maximum is not None:
        low, high = (("" if bound is None else f"{bound:g}") for bound in (column.minimum, column.maximum))
        en = f"{en} [{low} … {high}]"
    empty = "不为空 never" if column.empty is None else f"{column.empty.zh} {column.empty.en}"
    parts = (f"`{column.name}`", _type(column.type), column.unit or "", column.title.zh, en, empty)
    return "| " + " | ".join(cell(part) for part in parts) + " |"


def _type(kind: str) -> str:
    return _TYPES.get(kind, kind.lower())


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _both(text: Text) -> str:
    return f"{text.zh}。 {text.en}."


def cell(text: str) -> str:
    """A text inside a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
