"""XML with the personal attributes and elements of its records sealed; comments go, since nobody reads them."""

from __future__ import annotations

from typing import Any

from lxml import etree

from warehouse.personal.seal import Seal
from warehouse.personal.seal_json import Extra, Tree


def seal_xml(body: bytes, record: str, tree: Tree, declared: set[str], stranger: Extra) -> bytes:
    """The document in UTF-8; raises `etree.XMLSyntaxError` for what is none."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(body, parser)
    for element in root.iter("{*}" + record, record):
        _element(element, tree, declared, stranger)
    cleaned: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return cleaned


def _element(element: Any, tree: Tree, declared: set[str] | None, stranger: Extra) -> None:
    names = {_local(name) for name in element.attrib} | {_local(c.tag) for c in element if isinstance(c.tag, str)}
    alone = declared is not None and any(name not in names for name in tree)
    folded = {name.lower(): node for name, node in tree.items()}

    def node_of(name: str) -> Seal | Tree | None:
        if name in tree:
            return tree[name]
        if declared is None or name in declared:
            return None
        return folded.get(name.lower()) or (stranger(name) if alone and not name.startswith("_") else None)

    for name, value in list(element.attrib.items()):
        node = node_of(_local(name))
        if isinstance(node, Seal):
            element.attrib[name] = node(value)
        elif node is not None:
            del element.attrib[name]  # an object is expected here, so nobody reads the text
    for child in element:
        if isinstance(child.tag, str):
            _child(child, node_of(_local(child.tag)), stranger)


def _child(child: Any, node: Seal | Tree | None, stranger: Extra) -> None:
    if isinstance(node, dict):
        child.text = None
        _element(child, node, None, stranger)
    elif node is not None:
        text = "".join(child.itertext())
        for inner in list(child):
            child.remove(inner)
        child.attrib.clear()
        child.text = node(text) if text else None


def _local(name: object) -> str:
    return str(name).rsplit("}", 1)[-1]
