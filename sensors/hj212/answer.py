"""What the hub answers when Flag asks (HJ 212-2017, 6.6 and Annex C).

Data and what a device reports by itself get 9014, notices (1013, it wants the time) and heartbeats (9015, edition
2025) 9013; a command the hub does not know, a wrong password or an unknown device 9011 with the reason. Answers are
never answered. The answer carries the QN of its question, system code 91, and the edition of the question. A device
that computes another checksum is answered with the same one: it would refuse the standard's.
"""

from __future__ import annotations

from sensors.hj212 import encode

DATA, NOTICE, REQUEST = "9014", "9013", "9011"
REFUSED = {"wrong_password": 3, "unknown_device": 4, "unknown_command": 8}
"""QnRtn of 9011."""


def kind_of(cn: str, refused: str | None) -> tuple[str, str] | None:
    """The command number of the answer and its data area; None when the question gets none."""
    if len(cn) != 4 or not cn.isdigit() or (cn[0] == "9" and cn != "9015"):
        return None
    if refused is None and cn[0] not in "1239":
        refused = "unknown_command"
    if refused is not None:
        return REQUEST, f"QnRtn={REFUSED[refused]}"
    return (NOTICE, "") if cn in ("1013", "9015") else (DATA, "")


class Answerer:
    """Answers to frames with one header: all but the QN is known before."""

    def __init__(self, header: dict[str, str], flag: int, refused: str | None) -> None:
        kind = kind_of(header.get("CN", ""), refused)
        self._after: bytes | None = None
        if kind is None:
            return
        cn, self._area = kind
        self._old = flag >> 2 == 0  # edition 2005 names the question in the data area
        self._question = header.get("CN", "")
        password = header.get("PW", "") if refused is None else ""  # the device's own, back to it; never a refused one
        fields = {"ST": "91", "CN": cn, "PW": password, "MN": header.get("MN", ""), "Flag": str(flag & ~3)}
        self._after = "".join(f";{key}={value}" for key, value in fields.items()).encode()

    def to(self, qn: bytes, variant: str) -> bytes:
        """The answer to the question with this QN; empty when it gets none."""
        if self._after is None:
            return b""
        area = self._area.encode()
        if self._old:
            area = b"QN=%b;CN=%b" % (qn, self._question.encode()) + (b";" + area if area else b"")
        head = b"QN=%b%b" % (qn, self._after) if qn else self._after[1:]
        return encode.frame(b"%b;CP=&&%b&&" % (head, area), variant=variant)
