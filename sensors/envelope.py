"""One received message as one line: the form in the spool, and the form that lands for the load.

In the spool a line is `{"topic", "received_at", "qos", "retain", "dup", "payload"}`: the payload stands
last and keeps its bytes, so numbers keep their digits. A payload that is no JSON stands as
`payload_base64` instead, that of a feed in another form as `{…, "form", "payload_base64"}`; nothing is ever
refused here, because a message that is not stored cannot be acknowledged.

For the load the fields of the payload stand at top level beside `_topic`, `_received_at`, `_retained` (the
broker had kept it: an old reading) and `_duplicate` (the broker sent it a second time); an array of objects
becomes one record an element. What cannot be read, and what a bulk JSON reader would refuse so that the whole
segment stopped (a key twice, half a surrogate pair, deep nesting), is one record `{"_problem": word, "_frame":
base64, "topic", …}`, and goes to quarantine by that word.

Frames of the TCP gateways stand as `{"gateway", "peer", "received_at", "frames", "raw_base64"}`, several to a
line, and are taken apart by their protocol's `landing.records`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import b2a_base64
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

import msgspec

from sensors.payload import Memory, Refused, landed
from sensors.tcp.protocol import Landing

MAX_PAYLOAD = 8 << 20  # the bulk reader takes objects up to 16 MiB; base64 needs a third more
MAX_DEPTH = 100
OWN_FIELDS = frozenset({"_topic", "_received_at", "_retained", "_duplicate", "_value"})
_RESERVED = OWN_FIELDS - {"_value"}
_MARK = b',"payload":'  # cannot occur inside a JSON string: its quotes would be escaped there
_FALSE_TRUE = (b"false", b"true")
# By module, imported when a line needs it: the protocols cost a start-up that MQTT feeds do not need.
LANDING = {kind: f"sensors.{kind}.landing" for kind in ("hj212", "jt808", "jt809")}
_GATEWAY = {kind: b'{"gateway":"%b","peer":' % kind.encode() for kind in LANDING}
FRAMES, PROBLEM = b'{"gateway":', b'"_problem":'
_PROBLEM_FIRST = b"{" + PROBLEM


def encode(
    topic: str, payload: bytes, received_at: str, *, qos: int, retain: bool, dup: bool, form: str = "json"
) -> bytes:
    """The spool line of a message, ending in a line feed; `received_at` is ISO 8601 with zone. A payload in another
    form than JSON is not looked at.
    """
    head = b'{"topic":%b,"received_at":"%b","qos":%d,"retain":%b,"dup":%b' % (
        _quoted(topic),
        received_at.encode(),
        qos,
        _FALSE_TRUE[retain],
        _FALSE_TRUE[dup],
    )
    if form != "json":
        return head + b',"form":"%b","payload_base64":"%b"}\n' % (form.encode(), b64encode(payload))
    if not _is_json(payload):
        return head + b',"payload_base64":"' + b64encode(payload) + b'"}\n'
    if b"\n" in payload or b"\r" in payload:
        payload = payload.replace(b"\r", b" ").replace(b"\n", b" ")  # only between tokens: inside strings JSON has \n
    return head + _MARK + payload + b"}\n"


def encode_frames(gateway: str, peer: str, received_at: str, frames: int, raw: bytes) -> bytes:
    """The spool line of whole frames one after the other, as a TCP gateway received them."""
    return b'%b%b,"received_at":"%b","frames":%d,"raw_base64":"%b"}\n' % (
        _GATEWAY[gateway],
        _quoted(peer),
        received_at.encode(),
        frames,
        b2a_base64(raw, newline=False),
    )


@lru_cache(maxsize=8192)
def _quoted(topic: str) -> bytes:
    return json.dumps(topic, ensure_ascii=False).encode("utf-8", "replace")


def _is_json(payload: bytes) -> bool:
    if not payload or len(payload) > MAX_PAYLOAD:
        return False
    try:
        _READER.decode(payload)
    except (ValueError, RecursionError):
        return False
    return True


def is_line(line: bytes) -> bool:
    """Whether a line of a segment is whole: power loss can leave zeros where bytes were not synced."""
    if not (line.startswith(b"{") and line.endswith(b"}\n")):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def refused(line: bytes, record: bytes) -> bool:
    """Whether a landing record of a spool line is one that was refused. A device's own `_problem` in an MQTT message
    is none: there ours stands first.
    """
    # inside a text its quotes would be escaped
    return PROBLEM in record and (line.startswith(FRAMES) or record.startswith(_PROBLEM_FIRST))


def records(line: bytes, memory: Memory | None = None) -> Iterator[bytes]:
    """The landing records of one spool line, each one JSON object without line feed; one with a key `_problem` for what
    is refused. `memory`: what messages of this feed leave for later ones.
    """
    if line.startswith(FRAMES):
        yield from _of_frames(json.loads(line))
        return
    head, mark, body = line.rstrip(b"\n").partition(_MARK)
    envelope: dict[str, Any] = json.loads(head + b"}" if mark else line)
    own = {"_topic": envelope["topic"], "_received_at": envelope["received_at"]}
    own |= {"_retained": envelope["retain"], "_duplicate": envelope["dup"]}
    if not mark:
        yield from _undone(envelope, own, memory or Memory())
        return
    payload = body[:-1].strip()
    try:
        parts = list(_objects(payload.decode("utf-8")))
    except (ValueError, RecursionError):
        yield _problem("not_plain_json", b64encode(payload).decode(), own)
        return
    prefix = _dumped(own)[:-1]
    for part in parts:
        yield prefix + (b"}" if part[1:-1].isspace() or len(part) == 2 else b"," + part[1:].encode("utf-8"))


def _undone(envelope: dict[str, Any], own: dict[str, Any], memory: Memory) -> Iterator[bytes]:
    encoded = envelope["payload_base64"]
    if "form" not in envelope:
        yield _problem("not_json", encoded, own)
        return
    try:
        found = landed(envelope["form"], b64decode(encoded), envelope["topic"], memory)
        if any(record.keys() & _RESERVED for record in found):
            raise Refused("own_field")
    except Refused as error:
        yield _problem(error.reason, encoded, own)
        return
    for record in found:
        yield _dumped({**own, **record})


def _problem(word: str, encoded: str, own: dict[str, Any]) -> bytes:
    return _dumped({"_problem": word, "_frame": encoded, "topic": own["_topic"], **own})


def _of_frames(envelope: dict[str, Any]) -> Iterator[bytes]:
    landing: Landing = import_module(LANDING[envelope["gateway"]]).records
    return landing(b64decode(envelope["raw_base64"]), envelope["received_at"], envelope["peer"])


def payload_of(line: bytes) -> bytes:
    """The payload of a spool line as bytes: as received, but for line feeds between tokens."""
    _, mark, body = line.rstrip(b"\n").partition(_MARK)
    return body[:-1] if mark else b64decode(json.loads(line)["payload_base64"])


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _objects(text: str) -> Iterator[str]:
    """The payload's objects as they were written; a bare value becomes `{"_value": …}`; ValueError when
    unsafe.
    """
    if not text.startswith("["):
        value = _safe(text)
        yield text if isinstance(value, dict) else f'{{"_value":{text}}}'
        return
    items = _strict(text)
    if not items or not all(isinstance(item, dict) for item in items):
        yield f'{{"_value":{text}}}'
        return
    position = 1
    while (position := _skip(text, position)) < len(text) and text[position] == "{":
        _, end = _DECODER.raw_decode(text, position)
        _safe(text[position:end])
        yield text[position:end]
        position = _skip(text, end) + 1


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _safe(text: str) -> Any:
    value = _strict(text)
    if isinstance(value, dict) and OWN_FIELDS & value.keys():
        raise ValueError("a field of ours")
    return value


def _strict(text: str) -> Any:
    value = _DECODER.decode(text)
    if _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deep")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # UnicodeEncodeError is a ValueError: half a pair
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return deepest


_READER = msgspec.json.Decoder()
_DECODER = json.JSONDecoder(object_pairs_hook=_once)
