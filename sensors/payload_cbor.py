"""CBOR (RFC 8949): a map is a record, an array of maps one record each, anything else the field `_value`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import cbor2

from sensors.payload import MAX_DEPTH, Memory, Plain, Refused


def records(payload: bytes, _topic: str, _memory: Memory) -> list[dict[str, Any]]:
    """The records of one payload. `Refused`: `not_cbor`, `bytes_after_end`, `duplicate_key`, `too_large` …"""
    stream = BytesIO(payload)
    decoder = cbor2.CBORDecoder(stream, max_depth=MAX_DEPTH, allow_duplicate_keys=False, read_size=1)
    try:
        value = decoder.decode()
    except cbor2.CBORDecodeError as error:
        raise Refused("duplicate_key" if "uplicate" in str(error) else "not_cbor") from None
    if stream.tell() != len(payload):
        raise Refused("bytes_after_end")
    plain = Plain(nothing=cbor2.undefined)(value)
    if isinstance(plain, dict):
        return [plain]
    if isinstance(plain, list) and plain and all(isinstance(item, dict) for item in plain):
        return plain
    return [{"_value": plain}]
