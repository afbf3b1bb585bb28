"""XML bodies: how many records, which columns, the envelope around them. Entities and networks are off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from lxml import etree


class XmlBroken(Exception):
    """The body is no well-formed XML; `cut_off` when it just ends too early."""

    def __init__(self, detail: str, cut_off: bool) -> None:
        super().__init__(detail)
        self.detail, self.cut_off = detail, cut_off


@dataclass(frozen=True)
class XmlContent:
    """`envelope` maps the root's name and its child elements to texts, without the records; so both
    `total` and `response.total` lead to the total."""

    count: int
    columns: tuple[str, ...]
    envelope: dict[str, Any]
    records_digest: bytes


def read_xml(body: bytes, record: str) -> XmlContent:
    """Records are all elements named `record`, wherever they stand; raises `XmlBroken`."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        text = str(error)
        cut_off = not body.rstrip().endswith(b">") or "Premature end" in text or "EndTag" in text
        raise XmlBroken(text, cut_off) from None
    digest = hashlib.sha256()
    columns: dict[str, None] = {}
    count = 0
    for element in root.iter(record):
        count += 1
        digest.update(etree.tostring(element, with_tail=False))
        if count <= 8:
            columns.update(dict.fromkeys(str(name) for name in element.attrib))
            columns.update(dict.fromkeys(str(child.tag) for child in element))
    inside = _envelope(root, record)
    tag = str(root.tag)
    envelope = {**(inside if isinstance(inside, dict) else {}), tag: inside}
    return XmlContent(count, tuple(columns), envelope, digest.digest())


def _envelope(element: Any, record: str) -> Any:
    children = [child for child in element if isinstance(child.tag, str) and child.tag != record]
    if not children:
        return (element.text or "").strip()
    return {str(child.tag): _envelope(child, record) for child in children}
