"""What the fuzzer knows of each protocol, written apart from the decoders: seeds, how a checksum is made true, and
whether checksum and length of a frame are both wrong.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TOKENS = {
    "hj212": [b"##", b"&&", b"CP=&&", b";", b",", b"=", b"-", b"QN=", b"\r\n", b"##0100QN=", b"PNUM=2;PNO=1;"],
    "jt808": [b"\x7e", b"\x7d\x01", b"\x7d\x02", b"\x7d", b"\x00\x00", b"\xff\xff", b"\x02\x00", b"\x07\x04"],
    "jt809": [b"\x5b", b"\x5d", b"\x5a\x01", b"\x5e\x02", b"\x5a", b"\x12\x00", b"\x12\x02", b"\x00\x00\x00\x24"],
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One decoder. `line`: a frame as its decoder takes it; `refit`: the frame with length and checksum made true."""

    name: str
    own: Callable[[], list[bytes]]
    line: Callable[[bytes], str]
    refit: Callable[[bytes], bytes]
    both_wrong: Callable[[bytes], bool]

    def seeds(self) -> list[bytes]:
        """Frames of our encoder and, where they are, the public vectors."""
        return self.own() + vectors(self.name)


def vectors(name: str) -> list[bytes]:
    """The public frames of a protocol; none when CITYHUB_SHARED/vectors is absent."""
    shared = Path(os.environ.get("CITYHUB_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    file = shared / "vectors" / f"{name}.json"
    if not file.exists():
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text())["vectors"]
    return [bytes.fromhex(one["raw_hex"]) if "raw_hex" in one else one["raw"].encode() for one in found]


def mutated(target: Target, seeds: list[bytes], rng: random.Random) -> bytes:
    """One in twenty is random; the others are seeds with one to eight changes; half of these get a true checksum."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(200))
    frame = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(frame) + 1)
        match rng.randrange(8):
            case 0 if frame:
                frame[at % len(frame)] = rng.randrange(256)
            case 1 if frame:
                frame[at % len(frame)] ^= 1 << rng.randrange(8)
            case 2:
                del frame[at : at + rng.choice((1, 2, 4, 30))]
            case 3:
                frame[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
            case 4:
                frame[at:at] = rng.choice(TOKENS[target.name])
            case 5:
                del frame[at:]
            case 6:
                other = rng.choice(seeds)
                frame[at:] = other[rng.randrange(len(other)) :]
            case 7:
                cut = frame[at : at + rng.randrange(1, 60)]
                frame[at:at] = cut * rng.choice((1, 2, 9))
    return target.refit(bytes(frame)) if rng.random() < 0.5 else bytes(frame)


def _hj212_seeds() -> list[bytes]:
    from sensors.hj212.encode import message, split

    header = {"QN": "20261101080000123", "ST": "39", "CN": "2011", "PW": "123456", "MN": "TEST0000000001", "Flag": "5"}
    factors = {code: {"Rtd": "35.2", "Flag": "N"} for code in ("a34004", "a34002", "a01001", "LA")}
    cp = {"DataTime": "20261101080000"}
    sealed = message({**header, "Flag": "9"}, cp, factors, sm4_key=bytes(16))
    frames = [message(header, cp, factors), *split(header, cp, factors, 2), sealed, message(header, {"QnRtn": "1"}, {})]
    return [frame[:-2] for frame in frames]


def _hj212_refit(frame: bytes) -> bytes:
    from sensors.hj212.encode import frame as built

    segment = re.sub(rb"^##\d{0,4}", b"", frame)
    return built(re.sub(rb"&&[0-9A-Fa-f]{0,4}\s*$", b"&&", segment)[:9999])[:-2]


def _hj212_wrong(frame: bytes) -> bool:
    text = frame.strip(b"\r\n\t \x00")
    while text.endswith((b"\\r", b"\\n", b"\r", b"\n", b"\x00", b" ", b"\t")):
        text = text[: -2 if text.endswith((b"\\r", b"\\n")) else -1]
    segment, sent = text[6:-4], text[-4:].upper()
    if text[2:6].isdigit() and int(text[2:6]) == len(segment):
        return False
    own, modbus = 0xFFFF, 0xFFFF
    for byte in segment:
        own, modbus = (own >> 8) ^ byte, modbus ^ byte
        for _ in range(8):
            own = (own >> 1) ^ (0xA001 if own & 1 else 0)
            modbus = (modbus >> 1) ^ (0xA001 if modbus & 1 else 0)
    known = {b"%04X" % value for one in (own, modbus) for value in (one, (one & 0xFF) << 8 | one >> 8)}
    return sent not in known


def _jt808_seeds() -> list[bytes]:
    from sensors.jt808 import encode

    heartbeat = encode.frame(0x0002, "13800000001", 7)
    return [
        heartbeat,
        encode.frame(0x0200, "13800000001", 1, bytes(28)),
        encode.frame(0x0002, "13800000001", 9, version=1),
    ]


def _plain(frame: bytes, pairs: dict[bytes, bytes]) -> bytes:
    pattern = re.compile(b"|".join(re.escape(pair) for pair in pairs), re.DOTALL)
    return pattern.sub(lambda found: pairs[found[0]], frame)


_ESCAPES_808 = {b"\x7d\x02": b"\x7e", b"\x7d\x01": b"\x7d"}
_ESCAPES_809 = {b"\x5a\x01": b"\x5b", b"\x5a\x02": b"\x5a", b"\x5e\x01": b"\x5d", b"\x5e\x02": b"\x5e"}


def _xor(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
    return value


def _jt808_refit(frame: bytes) -> bytes:
    content = bytearray(_plain(frame.strip(b"\x7e"), _ESCAPES_808)[:-1])
    if len(content) >= 12:
        length = len(content) - _jt808_header(content)
        props = int.from_bytes(content[2:4], "big")
        content[2:4] = (props & 0xFC00 | max(0, min(length, 1023))).to_bytes(2, "big")
    escaped = (bytes(content) + bytes((_xor(content),))).replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02")
    return b"\x7e" + escaped + b"\x7e"


def _jt808_header(content: bytes | bytearray) -> int:
    props = int.from_bytes(content[2:4], "big")
    return (17 if props & 0x4000 else 12) + (4 if props & 0x2000 else 0)


def _jt808_wrong(frame: bytes) -> bool:
    content = _plain(frame.strip(b"\x7e"), _ESCAPES_808)
    if not content or _xor(content) == 0:
        return not content
    declared = int.from_bytes(content[2:4], "big") & 0x3FF
    return declared != len(content) - 1 - _jt808_header(content)


def _jt809_seeds() -> list[bytes]:
    from sensors.jt809.encode import location_2011, location_2019

    when = datetime(2026, 11, 1, tzinfo=UTC)
    inner = location_2011(when, 34.5, 114.8)
    bodies = [inner, location_2019(bytes(28))]
    plate = "豫B12345".encode("gbk").ljust(21, b"\0") + b"\x02"
    return [
        _built_809(
            bytes(4) + b"\0\0\0\1" + b"\x12\x00" + b"\0\0\0\x09" + b"\x01\x02\x0f" + b"\x00" + bytes(4),
            plate + b"\x12\x02" + len(body).to_bytes(4, "big") + body,
        )
        for body in bodies
    ]  # fmt: skip


def _crc_ccitt(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
            register &= 0xFFFF
    return register


def _built_809(header: bytes, body: bytes) -> bytes:
    content = (len(header) + len(body) + 4).to_bytes(4, "big") + header[4:] + body
    content += _crc_ccitt(content).to_bytes(2, "big")
    for byte, pair in ((b"\x5a", b"\x5a\x02"), (b"\x5b", b"\x5a\x01"), (b"\x5e", b"\x5e\x02"), (b"\x5d", b"\x5e\x01")):
        content = content.replace(byte, pair)
    return b"\x5b" + content + b"\x5d"


def _jt809_refit(frame: bytes) -> bytes:
    content = _plain(frame[1:-1], _ESCAPES_809)[:-2]
    return _built_809(content[:22], content[22:])


def _jt809_wrong(frame: bytes) -> bool:
    content = _plain(frame[1:-1], _ESCAPES_809)
    declared = int.from_bytes(content[:4], "big")
    return declared != len(content) + 2 and _crc_ccitt(content[:-2]) != int.from_bytes(content[-2:], "big")


TARGETS = {
    "hj212": Target(
        "hj212", _hj212_seeds, lambda frame: frame.decode("utf-8", "surrogateescape"), _hj212_refit, _hj212_wrong
    ),
    "jt808": Target("jt808", _jt808_seeds, bytes.hex, _jt808_refit, _jt808_wrong),
    "jt809": Target("jt809", _jt809_seeds, bytes.hex, _jt809_refit, _jt809_wrong),
}
