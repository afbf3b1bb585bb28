"""Office files are ZIP archives: packed again with one time for all entries, the same content is the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

_CHANGED = re.compile(rb"(<\w+:modified[^>]*>)[^<]*(</\w+:modified>)")


def pack(made: bytes, at: datetime) -> bytes:
    """The archive with entries in order of name, each of the moment `at`, and so says its core properties."""
    stamp = at.astimezone(UTC)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        # The list of contents comes first: readers look for it there.
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            body = old.read(name)
            if name == "docProps/core.xml":
                body = _CHANGED.sub(rb"\g<1>" + f"{stamp:%Y-%m-%dT%H:%M:%SZ}".encode() + rb"\g<2>", body)
            entry = zipfile.ZipInfo(name, stamp.timetuple()[:6])
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            new.writestr(entry, body, compresslevel=6)
    return out.getvalue()
