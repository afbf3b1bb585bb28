"""The body of an answer around its records, as a spec describes it: JSON or XML, total, cursor, success code."""

from __future__ import annotations

import copy
import json
from typing import Any

from lxml import etree

from cityhub.spec.source import CursorPaging, OffsetPaging, PagePaging, RestSource
from conformance.records import Record


def body(source: RestSource, rows: list[Record], *, total: int, cursor: str | None, envelope: Any = None) -> bytes:
    """One page as the source sends it. `envelope` is a recorded one, with an empty array where the records go."""
    said = _said(source, total, cursor)
    if source.format == "xml":
        return _xml(source, rows, said, envelope)
    whole = copy.deepcopy(envelope)
    for path, value in said.items():
        whole = plant(whole, path, value)
    return json.dumps(plant(whole, source.records_at, rows), ensure_ascii=False).encode()


def _said(source: RestSource, total: int, cursor: str | None) -> dict[str, Any]:
    paging, found = source.paging, dict[str, Any]()
    if isinstance(paging, PagePaging | OffsetPaging | CursorPaging) and paging.total_at:
        found[paging.total_at] = total
    if isinstance(paging, CursorPaging):
        found[paging.cursor_at] = cursor
    rule = source.error_when
    if rule is not None:
        found[rule.at] = rule.ok if rule.ok is not None else _fine(rule.bad)
    return found


def _fine(bad: str | int | bool | None) -> str | bool | None:
    return None if bad is None else (not bad if isinstance(bad, bool) else "ok")


def refusal(source: RestSource, message: str) -> bytes:
    """How the source says no inside HTTP 200; as a plain message where the spec knows no such form."""
    rule = source.error_when
    whole: Any = {"message": message}
    if rule is not None:
        wrong = rule.bad if rule.bad is not None else (not rule.ok if isinstance(rule.ok, bool) else "E401")
        whole = plant(whole, rule.at, wrong)
        if rule.message_at:
            whole = plant(whole, rule.message_at, message)
    return json.dumps(whole, ensure_ascii=False).encode()


def plant(whole: Any, path: str, value: Any) -> Any:
    """`whole` with a value at a dotted path, made where it is not; an empty path is the whole."""
    if not path:
        return value
    whole = whole if isinstance(whole, dict) else {}
    holder: Any = whole
    *parents, last = path.split(".")
    for part in parents:
        if isinstance(holder, list):
            holder = holder[int(part)]
            continue
        if not isinstance(holder.get(part), dict | list):
            holder[part] = {}
        holder = holder[part]
    holder[int(last) if isinstance(holder, list) else last] = value
    return whole


def _xml(source: RestSource, rows: list[Record], said: dict[str, Any], envelope: Any) -> bytes:
    """Paths lead from the root or from below it: `response.total` and `total` are the same."""
    dotted = next((path for path in said if "." in path), None)
    name = next(iter(envelope)) if isinstance(envelope, dict) and len(envelope) == 1 else None
    name = name or (dotted.split(".")[0] if dotted else "response")
    whole = copy.deepcopy(envelope[name]) if isinstance(envelope, dict) and name in envelope else {}
    for path, value in said.items():
        whole = plant(whole, path.removeprefix(f"{name}."), value)
    root = etree.Element(name)
    _fill(root, whole)
    holder = etree.SubElement(root, "rows")
    for row in rows:
        add_record(holder, source.records_at, row)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _fill(element: Any, content: Any) -> None:
    if not isinstance(content, dict):
        element.text = text(content)
        return
    for name, inner in content.items():
        _fill(etree.SubElement(element, name), inner)


def add_record(holder: Any, name: str, row: Record) -> None:
    """One record as an element with a child a column; what is not there has none."""
    element = etree.SubElement(holder, name)
    for column, value in row.items():
        if value is not None:
            etree.SubElement(element, column).text = text(value)


def text(value: Any) -> str:
    """A value as text formats write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
