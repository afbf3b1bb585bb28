"""Frames of a connection in the spool: good ones as received, the others behind a mark that says why.

A good frame stands alone (`##…` CR LF) and proves itself again when it is loaded. What the gateway knows and the
bytes do not say stands before them: NUL, word, length, NUL, then exactly so many bytes.

    \\0unknown_device 141\\0##0127QN=…        a reason: the frame goes to quarantine
    \\0joined 980\\0##…##…                    sub-packets that came apart, all of them, in order
    \\0sealed 180\\0##…  \\0opened:hj212 150\\0QN=…   an encrypted frame as received, and its segment in plain text
"""

from __future__ import annotations

import re
from collections.abc import Iterator

JOINED, SEALED, OPENED = "joined", "sealed", "opened"
_MARK = re.compile(rb"\x00([a-z0-9_:]{1,48}) (\d{1,7})\x00")


def marked(word: str, data: bytes) -> bytes:
    """Bytes behind their mark."""
    return b"\x00%b %d\x00%b" % (word.encode(), len(data), data)


def chunks(blob: bytes) -> Iterator[tuple[str | None, bytes]]:
    """The parts of a blob: (None, a run of frames) or (word, bytes)."""
    position = 0
    while position < len(blob):
        found = _MARK.search(blob, position) if b"\x00" in blob else None
        if found is None:
            yield None, blob[position:] if position else blob
            return
        if found.start() > position:
            yield None, blob[position : found.start()]
        end = found.end() + int(found[2])
        yield found[1].decode(), blob[found.end() : end]
        position = end
