"""JSON records with their personal values sealed; every other value keeps its text, digit for digit.

A record that cannot be taken apart with certainty (no object, a key twice) does not land: a token that the load
refuses, as it would have refused the record, lands in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from warehouse.personal.seal import Seal, withheld
from warehouse.readers.elements import elements

Tree = dict[str, "Seal | Tree"]
Extra = Callable[[str], Seal | None]  # what to do with a column that the spec does not know
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_BOM = b"\xef\xbb\xbf"


class JsonSealer:
    """Seals records. `declared` are all source names of the spec, `stranger` gives the seal for an undeclared column
    of a record in which a personal one is missing."""

    def __init__(self, seals: dict[str, Seal], declared: set[str], key: str, stranger: Extra) -> None:
        self.tree: Tree = {}
        for source, seal in seals.items():
            *parents, leaf = source.split(".")
            node = self.tree
            for parent in parents:
                below = node.setdefault(parent, {})
                assert isinstance(below, dict)  # the spec refuses a personal field inside a personal one
                node = below
            node[leaf] = seal
        self.declared = {name.split(".", 1)[0] for name in declared}
        self.folded = {name.lower(): name for name in self.tree}
        self.key, self.stranger = key, stranger

    def array(self, records: bytes) -> bytes:
        """A JSON array of records; raises `msgspec.DecodeError` for what is none. A record that is no JSON (a bare NaN
        in it) lands as a token, the others as they are."""
        rows = [self._row(row) or _string(withheld(self.key, _text(row))) for row in _elements(records)]
        return b"[" + b",\n".join(rows) + b"]"

    def lines(self, records: bytes) -> bytes:
        """One record a line; a line that is no record becomes one that is no JSON either."""
        return b"\n".join(self._line(line) for line in records.removeprefix(_BOM).split(b"\n"))

    def problems(self, records: bytes) -> bytes:
        """Frames that a gateway refused: what they hold is known to nobody, so only that they came stays."""
        out = []
        for line in filter(None, records.split(b"\n")):
            record = json.loads(line)
            kept = {name: value for name, value in record.items() if name in {"_problem", "_received_at", "_peer"}}
            frame = withheld(self.key, str(record.get("_frame", "")))
            out.append(json.dumps({**kept, "_frame": frame}, ensure_ascii=False).encode() + b"\n")
        return b"".join(out)

    def _line(self, line: bytes) -> bytes:
        text = line.rstrip(b"\r")
        if not text.strip():
            return b""
        return self._row(text) or withheld(self.key, _text(text.strip())).encode()

    def _row(self, raw: bytes) -> bytes | None:
        if raw.strip() == b"null":
            return raw
        return self._object(raw.strip(), self.tree, top=True)

    def _object(self, raw: bytes, tree: Tree, *, top: bool = False) -> bytes | None:
        """The object anew; None for what is no object or has a key twice."""
        try:
            items = {name: bytes(value) for name, value in _OBJECT.decode(raw).items()}
        except (msgspec.DecodeError, RecursionError):
            return None
        if not _each_once(raw, items):
            return None
        alone = top and any(name not in items for name in tree)
        out = []
        for name, value in items.items():
            node = tree.get(name)
            if node is None and top and name not in self.declared:
                node = tree.get(self.folded.get(name.lower(), ""))
                if node is None and alone and not name.startswith("_"):
                    node = self.stranger(name)
            out.append(msgspec.json.encode(name) + b":" + (value if node is None else self._value(value, node)))
        return b"{" + b",".join(out) + b"}"

    def _value(self, raw: bytes, node: Seal | Tree) -> bytes:
        if raw == b"null":
            return raw
        if isinstance(node, dict):
            return self._object(raw, node) or _string(withheld(self.key, _text(raw)))
        return _string(node(_plain(raw)))


def _elements(records: bytes) -> list[bytes]:
    """The elements of an array as they stand; raises `msgspec.DecodeError` where they cannot be told apart."""
    try:
        return [bytes(row) for row in _ROWS.decode(records)]
    except msgspec.DecodeError as error:
        try:
            return elements(records)
        except ValueError:
            raise error from None


def _plain(raw: bytes) -> str:
    """A value as the engine reads it as text: strings without quotes and escapes, all else as written."""
    if raw[:1] == b'"':
        try:
            return str(_ANY.decode(raw))
        except msgspec.DecodeError:
            return _text(raw)
    return _text(raw)


def _string(text: str) -> bytes:
    return msgspec.json.encode(text)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _each_once(raw: bytes, items: dict[str, bytes]) -> bool:
    """Whether each key stands once: what the decoder took, written again, is the text that came; only for a text in
    another layout are the keys counted."""
    pairs = [(msgspec.json.encode(name), value) for name, value in items.items()]
    if raw == b"{" + b",".join(name + b":" + value for name, value in pairs) + b"}":
        return True
    if raw == b"{" + b", ".join(name + b": " + value for name, value in pairs) + b"}":
        return True
    counts: list[int] = []
    try:
        json.loads(raw, object_pairs_hook=lambda found: counts.append(len(found)))
    except (ValueError, RecursionError):
        return False
    return counts[-1] == len(items)  # the outermost object is finished last
