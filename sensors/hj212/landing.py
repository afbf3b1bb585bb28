"""Frames of the spool to records for the load, in bulk: one JSON object a factor.

`mn st cn qn data_time period_s factor Rtd Avg Min Max Cou Flag … unit pnum pno version crc_variant`, values as sent,
`data_time` in ISO 8601: the begin of the `period_s` seconds that a value covers (HJ 212-2017, 6.6.5; 0: an instant). A
refused frame is one record `{"_problem": word, "_frame": text}`, its password masked; the bytes stay in landing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from sensors.hj212 import blob as marks
from sensors.hj212.frame import Item, scan
from sensors.hj212.rows import head_of, masked, moment, rows
from sensors.hj212.segment import BadSegment, Segment, fields, flag_of, parse, text_of
from sensors.hj212.subpackets import Part, Parts, join, part_of, whole
from sensors.hj212.templates import Template, Templates

BATCH = 64  # frames whose records are made into bytes at once
MOST_HEADS = 20_000
_SAFE = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')
_KNOWN_HEADER = frozenset(("ST", "CN", "PW", "MN", "Flag"))


class _Head:
    """What all frames with the same header (but for QN) share; `fields` is JSON without braces."""

    __slots__ = ("fields", "st", "template")

    def __init__(self, fields: str, st: str) -> None:
        self.fields, self.st = fields, st
        self.template: Template | None = None


class Lander:
    """Makes records of blobs; keeps compiled layouts from one blob to the next."""

    def __init__(self) -> None:
        self._templates = Templates()
        self._heads: dict[str, _Head | None] = {}

    def records(self, blob: bytes, received_at: str, peer: str) -> Iterator[bytes]:
        """One JSON object a record, without line feed; see the module."""
        own = {"_received_at": received_at, "_peer": peer}
        for word, data in marks.chunks(blob):
            if word is None:
                yield from self._frames(data, own)
            elif word == marks.JOINED:
                yield from _joined(data, own)
            elif word.startswith(marks.OPENED):
                yield from _opened(word, data, own)
            elif word != marks.SEALED:
                yield _problem(word, data, own)

    def _frames(self, data: bytes, own: dict[str, Any]) -> Iterator[bytes]:
        items, _ = scan(data, final=True)
        tail = "," + msgspec.json.encode(own).decode()[1:-1]
        parts = Parts(limit=10_000, most_bytes=8 << 20)
        texts: list[str] = []
        for item in items:
            text = self._usual(data, item, tail) if item.length_valid and item.variant else None
            if text is not None:
                texts.append(text)
                if len(texts) < BATCH:
                    continue
            yield from "".join(texts).encode().split(b"\n")[:-1]
            texts.clear()
            if text is None:
                yield from _careful(data, item, own, parts)
        yield from "".join(texts).encode().split(b"\n")[:-1]
        yield from _parts(parts, own)

    def _usual(self, data: bytes, item: Item, tail: str) -> str | None:
        """The records of a usual frame as lines; None: it is not one."""
        segment = data[item.start + 6 : item.end - 4]
        if not segment.isascii():
            return None
        head, _, content = segment.decode("ascii").partition(";CP=&&")
        qn, _, rest = head.partition(";")
        if rest not in self._heads:
            self._heads[rest] = self._head(rest)
        shared = self._heads[rest]
        if shared is None or qn[:3] != "QN=" or not qn[3:].isdigit() or content[-2:] != "&&":
            return None
        last = len(content) - 2
        template = shared.template
        found = template.match.fullmatch(content, 0, last) if template else None
        if found is None:
            template = shared.template = self._templates.of(content[:-2], shared.st)
            found = template.match.fullmatch(content, 0, last) if template else None
        if found is None or template is None:
            return None
        values, at = found.groups(), template.time_at
        sent = values[at]
        time = moment(sent) or sent
        own = f'{shared.fields},"qn":"{qn[3:]}","data_time":"{time}","crc_variant":"{item.variant}"{tail}'
        try:
            return template.fill(values[:at] + values[at + 1 :], own)
        except ValueError:
            return None

    def _head(self, rest: str) -> _Head | None:
        """From `ST=22;CN=2011;PW=…;MN=…;Flag=5`; None for another layout, and for sub-packets."""
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        pairs = [item.partition("=") for item in rest.split(";")]
        header = {key: value for key, _, value in pairs}
        if len(header) != len(pairs) or not header.keys() <= _KNOWN_HEADER or not _SAFE.issuperset(rest.encode()):
            return None
        flag = flag_of(header.get("Flag", ""))
        if not {"MN", "CN", "ST"} <= header.keys() or (flag is not None and flag & 2):
            return None
        return _Head("," + msgspec.json.encode(head_of(header, flag)).decode()[1:-1], header["ST"])


def _careful(data: bytes, item: Item, own: dict[str, Any], parts: Parts) -> Iterator[bytes]:
    """The records of any frame; a sub-packet waits in `parts` for the others of the blob."""
    if item.variant is None:
        yield _problem(item.reason or "bad_checksum", data[item.start : item.end], own)
        return
    try:
        segment = parse(data[item.start + 6 : item.end - 4])
    except BadSegment:
        yield _problem("bad_segment", data[item.start : item.end], own)
        return
    part = part_of(segment, data[item.start : item.end], item.variant, item.length_valid)
    if part is None:
        yield from _encoded(segment, item.variant, item.length_valid, own)
    else:
        yield from _alone(parts.add(part), own)


def _encoded(segment: Segment, variant: str, length_valid: bool, own: dict[str, Any]) -> Iterator[bytes]:
    for row in rows(segment, variant, length_valid, own):
        yield msgspec.json.encode(row)


def _parts(parts: Parts, own: dict[str, Any]) -> Iterator[bytes]:
    """Sub-packets of a blob: joined when all are there and one cannot be read alone, else each for itself."""
    for group in parts.taken():
        complete = group.complete
        if complete is not None and not whole([part.segment.content for part in complete]):
            yield from _message(complete, own)
        else:
            yield from _alone(group.parts, own)


def _alone(parts: list[Part], own: dict[str, Any]) -> Iterator[bytes]:
    for part in parts:
        if whole([part.segment.content]):
            yield from _encoded(part.segment, part.variant, part.length_valid, own)
        else:
            yield _problem("subpacket_incomplete", part.frame, own)


def _message(parts: list[Part], own: dict[str, Any]) -> Iterator[bytes]:
    content = join([part.segment.content for part in parts])
    cp, factors = fields(content)
    header = {key: value for key, value in parts[0].segment.header.items() if key != "PNO"}
    yield from _encoded(Segment(header, cp, factors, content), parts[0].variant, True, own)


def _joined(data: bytes, own: dict[str, Any]) -> Iterator[bytes]:
    """All sub-packets of one message, which came apart."""
    parts = Parts(limit=1)
    for item in scan(data, final=True)[0]:
        yield from _careful(data, item, own, parts)
    yield from _parts(parts, own)


def _opened(word: str, data: bytes, own: dict[str, Any]) -> Iterator[bytes]:
    """A data segment in plain text that came encrypted; its checksum was looked at when it came."""
    try:
        segment = parse(data)
    except BadSegment:
        yield _problem("bad_segment", data, own)
        return
    yield from _encoded(segment, word.partition(":")[2], True, own)


def _problem(word: str, frame: bytes, own: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"_problem": word, "_frame": masked(text_of(frame)), **own})


_LANDER = Lander()


def records(blob: bytes, received_at: str, peer: str) -> Iterator[bytes]:
    """`Lander.records` of this process."""
    return _LANDER.records(blob, received_at, peer)
