"""Frames built from fields: the answers of the gateway, the sandbox's devices, and the tests."""

from __future__ import annotations

from collections.abc import Mapping

from sensors.hj212 import crc, sm4

LINE_END = b"\r\n"


def frame(segment: bytes, *, variant: str = crc.HJ212, declared: int | None = None, lower: bool = False) -> bytes:
    """`##` + length + segment + checksum + CR LF. `variant`, `declared` and `lower` make what bad devices send."""
    if len(segment) > 9999:
        raise ValueError(f"a data segment has at most 9999 bytes, this one {len(segment)}")
    own = crc.modbus(segment) if variant in (crc.MODBUS, crc.MODBUS_SWAPPED) else crc.checksum(segment)
    value = crc.swapped(own) if variant in (crc.HJ212_SWAPPED, crc.MODBUS_SWAPPED) else own
    text = b"%04X" % value
    length = len(segment) if declared is None else declared
    return b"##%04d%b%b%b" % (length, segment, text.lower() if lower else text, LINE_END)


def segment(header: Mapping[str, str], content: str) -> bytes:
    """A data segment: the header's fields in their order, then the data area."""
    head = "".join(f"{key}={value};" for key, value in header.items())
    return f"{head}CP=&&{content}&&".encode()


def content(cp: Mapping[str, str], factors: Mapping[str, Mapping[str, str]]) -> str:
    """A data area: plain keys, then one group a factor (`a34004-Rtd=35,a34004-Flag=N`)."""
    groups = [f"{key}={value}" for key, value in cp.items()]
    groups += [",".join(f"{code}-{key}={value}" for key, value in values.items()) for code, values in factors.items()]
    return ";".join(groups)


def message(
    header: Mapping[str, str],
    cp: Mapping[str, str],
    factors: Mapping[str, Mapping[str, str]],
    *,
    sm4_key: bytes | None = None,
    variant: str = crc.HJ212,
) -> bytes:
    """One whole frame; with `sm4_key` its data area is encrypted as HJ 212-2025 has it."""
    area = content(cp, factors)
    if sm4_key is not None:
        area = sm4.encrypt(sm4_key, area.encode()).decode()
    return frame(segment(header, area), variant=variant)


def split(
    header: Mapping[str, str], cp: Mapping[str, str], factors: Mapping[str, Mapping[str, str]], parts: int
) -> list[bytes]:
    """One message as sub-packets (Flag bit D, PNUM, PNO), each with the plain keys and its share of the factors."""
    flag = int(header.get("Flag", "4")) | 2
    codes = list(factors)
    share = -(-len(codes) // parts) if codes else 0
    return [
        message(
            {**header, "Flag": str(flag), "PNUM": str(parts), "PNO": str(number + 1)},
            cp,
            {code: factors[code] for code in codes[number * share : (number + 1) * share]},
        )
        for number in range(parts)
    ]
