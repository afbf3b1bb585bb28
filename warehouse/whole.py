"""Whether a compressed landing file is whole, from its block headers alone: nothing is decompressed.

Needed because the engine takes a file that ends inside its first block for an empty one, without a word.
Layout: RFC 8878, one frame a file, as landing writes it.
"""

from __future__ import annotations

from pathlib import Path

import zstandard

MAGIC, RAW_BLOCK, RLE_BLOCK = b"\x28\xb5\x2f\xfd", 0, 1
HEADER_AT_MOST = 18
CHECKSUM = 4


def is_whole(path: Path) -> bool:
    """False for a file that is no zstd frame, or ends before its last block."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER_AT_MOST)
        if head[:4] != MAGIC:
            return False
        try:
            parameters = zstandard.get_frame_parameters(head)
            position = zstandard.frame_header_size(head)
        except zstandard.ZstdError:
            return False
        while True:
            file.seek(position)
            header = file.read(3)
            if len(header) < 3:
                return False
            value = int.from_bytes(header, "little")
            last, kind, length = value & 1, (value >> 1) & 3, value >> 3
            position += 3 + (1 if kind == RLE_BLOCK else length)
            if last:
                return position + (CHECKSUM if parameters.has_checksum else 0) <= size
