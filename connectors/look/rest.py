"""A REST address: one call; where the records are, how pages go on, what says that a call failed."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import closing
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from lxml import etree

from cityhub.draft.sample import Path, Sample
from cityhub.errors import Stop, Unauthorised
from connectors.expand import shown
from connectors.look.envelope import error_rule, paging, scalars, total_at
from connectors.look.stub import dated, stub
from connectors.rest import Reader
from connectors.rest_http import Denied
from connectors.retry import Policy, Transient

ROWS = 2000
_DATE_PAIR = ("{day_start}", "{day_end}")


def look(address: str, day: date, *, feed: str, known: dict[str, Any]) -> Sample:
    """One call of the address as it is typed, with the login of `known` (parts of a source, from options or template).

    Raises what a call raises, `Stop` CH-DRAFT-003 for an answer without records.
    """
    cut = urlsplit(address)
    typed = dict(parse_qsl(cut.query, keep_blank_values=True))
    bare = urlunsplit((cut.scheme, cut.netloc, cut.path, "", ""))
    login: dict[str, Any] = {key: known[key] for key in ("auth", "method", "headers") if key in known}
    spec = stub({"kind": "rest", "address": bare, "retries": 1, "query": typed, **login}, feed)
    body = _called(Reader(spec, day, Policy(deadline_s=120)))
    form, records_at, rows, envelope = _records(body, shown(bare))
    found, notes = paging(envelope, typed, len(rows))
    total = total_at(envelope, len(rows))
    if (
        "paging" in known
        and not found.get("page_param", found.get("offset_param", found.get("cursor_param")))
        and total
    ):
        found, notes = known["paging"] | {"total_at": total}, "as the template has it; the answer states a total"
    used = {found.get(name) for name in ("page_param", "size_param", "offset_param", "cursor_param")}
    query, how = _query({name: value for name, value in typed.items() if name not in used})
    source: dict[str, Any] = {"kind": "rest", "address": bare}
    source |= {"query": query} if query else {}
    source |= login | {"paging": found} | ({"format": form} if form != "json" else {}) | {"records_at": records_at}
    rule = error_rule(envelope, records_at)
    source |= {"error_when": rule} if rule else {}
    said: dict[Path, str] = {("paging",): notes, ("records_at",): f"{len(rows)} records in the answer"}
    said |= {("query",): how} if how else {}
    said |= {("error_when",): "what the envelope of a good answer says"} if rule else {}
    stated = scalars(envelope).get(total or "")
    name = cut.path.rstrip("/").rpartition("/")[2]
    return Sample(source, tuple(rows[:ROWS]), name, said, total=stated if isinstance(stated, int) else None)


def _called(reader: Reader) -> bytes:
    with closing(reader.caller):
        try:
            headers = {**reader.extra, **reader.identity.headers()}
            return reader.caller.get(reader.url, reader.query, headers, reader.place)
        except Denied as denied:
            place = {**denied.error.place, "names": reader.identity.names}
            raise Unauthorised("CH-PULL-007", **place) from None
        except Transient as passing:
            raise passing.error from None


def _records(body: bytes, address: str) -> tuple[str, str, list[dict[str, Any]], Any]:
    start = body.lstrip()[:9].lower()
    if start.startswith(b"<") and not start.startswith((b"<!doctype", b"<html")):
        return _xml(body, address)
    try:
        answer = json.loads(_text(body))
    except ValueError:
        begins = " ".join(_text(body)[:80].split())
        raise Stop("CH-DRAFT-003", address=address, found=f"it begins with {begins!r}") from None
    lists = [(path, rows) for path, rows in _lists(answer, ()) if rows and all(isinstance(r, dict) for r in rows)]
    if not lists:
        names = ", ".join(list(scalars(answer))[:12]) or type(answer).__name__
        raise Stop("CH-DRAFT-003", address=address, found=f"it holds {names} and no list of objects")
    path, rows = max(lists, key=lambda item: (len(item[1]), -len(item[0])))
    return "json", ".".join(path), rows, answer


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030", "replace")


def _lists(node: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[Any]]]:
    if isinstance(node, list):
        return [(path, node)]
    if not isinstance(node, dict) or len(path) > 4:
        return []
    return [found for key, value in node.items() for found in _lists(value, (*path, str(key)))]


def _xml(body: bytes, address: str) -> tuple[str, str, list[dict[str, Any]], Any]:
    record, rows, envelope = xml_rows(body)
    if not record:
        raise Stop("CH-DRAFT-003", address=address, found="it is XML in which no element with parts stands twice")
    return "xml", record, rows, envelope


def xml_rows(body: bytes) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """The element that repeats most, its records and the texts around them; "" where there is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return "", [], {}
    counts = Counter(str(el.tag) for el in root.iter() if isinstance(el.tag, str) and (len(el) or el.attrib))
    counts.pop(str(root.tag), None)
    if not counts:
        return "", [], {}
    record = counts.most_common(1)[0][0]
    rows = [
        {**{str(k): str(v) for k, v in el.attrib.items()}, **{str(c.tag): (c.text or "").strip() or None for c in el}}
        for el in root.iter(record)
    ]
    around = {str(el.tag): _number((el.text or "").strip()) for el in root if el.tag != record and not len(el)}
    return record, rows, around


def _number(text: str) -> Any:
    return int(text) if re.fullmatch(r"\d{1,15}", text) else text


def _query(typed: dict[str, str]) -> tuple[dict[str, str], str]:
    """Parameters with the day that stands in them replaced by placeholders."""
    found: dict[str, str] = {}
    changed: list[str] = []
    for name, value in typed.items():
        placed, was = _placeholder(value, sum(text in _DATE_PAIR for text in found.values()))
        found[name] = placed
        changed += [name] if was else []
    return found, f"{', '.join(changed)} taken as the service day" if changed else ""


def _placeholder(value: str, before: int) -> tuple[str, bool]:
    if re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", value):
        return _DATE_PAIR[min(before, 1)], True
    if re.fullmatch(r"1[5-9]\d{11}", value):
        return ("{day_start_ms}", "{day_end_ms}")[min(before, 1)], True
    return dated(value, date.min)
