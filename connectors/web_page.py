"""A login page where data should be: whoever fetched it was answered with HTTP 200 and saved what came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cityhub.errors import Stop

_BEGINS = re.compile(
    rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title|script)\b", re.I | re.S
)


def refuse_web_page(body: bytes, format: str, place: Mapping[str, Any]) -> None:
    """Raise `Stop` CH-PULL-059 when a file's content is HTML, whatever its name says.

    Excel saves HTML under .xls too, but no source agreed on that, and a page of a gateway looks the same.
    """
    start = body[:4096].removeprefix(b"\xef\xbb\xbf")
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        start = start.decode("utf-16", "replace").encode()
    if _BEGINS.match(start):
        text = " ".join(re.sub(rb"<[^>]*>", b" ", start).decode("utf-8", "replace").split())[:80]
        raise Stop("CH-PULL-059", format=format, detail=text or "<html>", **place)
