"""One answer as a page: where its records are, what its envelope says, and whether it is an answer at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cityhub.errors import HubError, Retry, Stop
from cityhub.spec.source import ErrorInBody, RestSource
from connectors.rest_split import columns_of, dig, split_records
from connectors.retry import Transient
from connectors.xml_records import XmlBroken, read_xml

Place = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """`head + records + tail` is the body as received, unless `original` holds it (a body that had to be
    rewritten; `finding` says why). `records_digest` stands for records that are not their own bytes (XML)."""

    head: bytes
    records: bytes
    tail: bytes
    format: Literal["json", "xml"]
    count: int
    columns: tuple[str, ...]
    envelope: Any
    records_digest: bytes | None = None
    original: bytes | None = None
    finding: str | None = None

    def identity(self) -> str:
        """Equal for two pages with the same records: a sha256 in hexadecimal digits, computed at each call."""
        return (self.records_digest or hashlib.sha256(self.records).digest()).hex()

    def says(self, path: str | None) -> Any:
        """What the envelope holds at a dotted path; None where there is nothing."""
        return None if path is None else dig(self.envelope, path)


class Refused(Exception):
    """The source answered with a failure inside HTTP 200, or with a login page."""

    def __init__(self, error: HubError, transient: bool) -> None:
        super().__init__(error.code)
        self.error, self.transient = error, transient


def read_page(body: bytes, source: RestSource, place: Place) -> Page:
    """The page in a body.

    Raises `Refused` (failure or web page with HTTP 200), `Transient` (body cut off), `Stop` CH-PULL-013
    (invalid), CH-PULL-014 (no records at the path), CH-PULL-018 (neither UTF-8 nor GB18030).
    """
    return _xml(body, source, place) if source.format == "xml" else _json(body, source, place)


def _json(body: bytes, source: RestSource, place: Place) -> Page:
    if body.lstrip()[:1] == b"<":
        raise _web_page(body, "JSON", place)
    text, note = _utf8(body, place)
    cut = split_records(text, source.records_at)
    if cut is None:
        return _parsed_whole(body, text, note, source, place)
    _failure(cut.envelope, source.error_when, place)
    return Page(
        head=cut.head,
        records=cut.records,
        tail=cut.tail,
        format="json",
        count=cut.count,
        columns=cut.columns,
        envelope=cut.envelope,
        original=None if text is body else body,
        finding=note,
    )


def _utf8(body: bytes, place: Place) -> tuple[bytes, str | None]:
    if body.isascii():
        return body, None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end == len(body) and error.reason == "unexpected end of data":
            raise Transient(_cut_off(body, place)) from None
        return _from_gb18030(body, error.start, place)
    return body, None


def _from_gb18030(body: bytes, first: int, place: Place) -> tuple[bytes, str]:
    try:
        text = body.decode("gb18030").encode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "incomplete multibyte sequence" and error.end == len(body):
            raise Transient(_cut_off(body, place)) from None
        value = body[first : first + 4].hex(" ")
        raise Stop("CH-PULL-018", byte=first, value=value, **place) from None
    return text, f"the source sends GB18030, not UTF-8 (first at byte {first}); it was converted"


def _cut_off(body: bytes, place: Place) -> Retry:
    return Retry("CH-PULL-006", detail=f"the JSON does not close after {len(body)} bytes", **place)


def _parsed_whole(body: bytes, text: bytes, note: str | None, source: RestSource, place: Place) -> Page:
    """The slow way, for envelopes in which the records cannot be located with certainty."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not text.rstrip().endswith((b"}", b"]")):
            raise Transient(_cut_off(body, place)) from error
        raise Stop("CH-PULL-013", format="JSON", detail=str(error), **place) from None
    _failure(whole, source.error_when, place)
    rows = dig(whole, source.records_at)
    if rows is None and not _is_there(whole, source.records_at):
        raise Stop("CH-PULL-014", path=source.records_at, found=_outline(whole), **place)
    if rows is None:
        rows = []
    elif not isinstance(rows, list):
        raise Stop("CH-PULL-014", path=source.records_at, found=type(rows).__name__, **place)
    else:
        note = note or "the records could not be cut out of the answer as received; they were written anew"
    records = json.dumps(rows, ensure_ascii=False).encode()
    return Page(b"", records, b"", "json", len(rows), columns_of(rows[:8]), whole, original=body, finding=note)


def _is_there(whole: Any, path: str) -> bool:
    parent, _, key = path.rpartition(".")
    holder = dig(whole, parent)
    return isinstance(holder, dict) and key in holder


def _outline(whole: Any) -> str:
    if isinstance(whole, dict):
        names = [f"{key} ({type(value).__name__})" for key, value in list(whole.items())[:12]]
        return ", ".join(names) or "nothing"
    return type(whole).__name__


def _xml(body: bytes, source: RestSource, place: Place) -> Page:
    if body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise _web_page(body, "XML", place)
    try:
        content = read_xml(body, source.records_at)
    except XmlBroken as error:
        if error.cut_off:
            raise Transient(Retry("CH-PULL-006", detail=error.detail, **place)) from error
        raise Stop("CH-PULL-013", format="XML", detail=error.detail, **place) from None
    _failure(content.envelope, source.error_when, place)
    return Page(b"", body, b"", "xml", content.count, content.columns, content.envelope, content.records_digest)


def _web_page(body: bytes, expected: str, place: Place) -> Refused:
    start = " ".join(body[:400].decode("utf-8", "replace").split())[:80]
    return Refused(Stop("CH-PULL-012", format=expected, detail=start, **place), transient=False)


def _failure(envelope: Any, rule: ErrorInBody | None, place: Place) -> None:
    if rule is None:
        return
    value = dig(envelope, rule.at)
    if rule.bad is not None:
        failed = _same(value, rule.bad)
    elif rule.ok is not None:
        failed = value is not None and not _same(value, rule.ok)
    else:
        failed = bool(value)
    if failed:
        message = str(dig(envelope, rule.message_at) if rule.message_at else "") or "no message"
        error = Retry("CH-PULL-017", field=rule.at, value=value, message=message[:200], **place)
        raise Refused(error, transient=True)


def _same(value: Any, other: str | int | bool) -> bool:
    """Equal as a vendor means it: 0 and "0", true and "true"; but never 1 and true."""
    return _text(value) == _text(other)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
