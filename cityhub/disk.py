"""Trouble of the machine that carries the hub, as one of our errors: a full disk, a folder that is sealed."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from cityhub.errors import HubError, Stop

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
# What engines say instead of an errno, in lower case.
FULL_WORDS = ("no space left on device", "disk is full", "disk quota exceeded", "file too large")
REFUSED_WORDS = ("read-only file system", "readonly database", "permission denied")


def explain(error: BaseException) -> HubError | None:
    """Our error for one of the operating system or of an engine that ran into it; None for any other."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).lower()
    file = getattr(error, "filename", None)
    detail = str(error).splitlines()[0] if str(error) else type(error).__name__
    if number in FULL or any(word in text for word in FULL_WORDS):
        return Stop("CH-DISK-001", file=file, detail=detail)
    if number in REFUSED or any(word in text for word in REFUSED_WORDS):
        return Stop("CH-DISK-002", file=file, detail=detail)
    return None


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the machine says inside the block into CH-DISK-001 (full) or 002 (cannot be written)."""
    try:
        yield
    except HubError as error:
        cause = error.__cause__ or error.__context__
        told = explain(cause) if cause is not None else None
        if told is None:
            raise
        raise told from error
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        raise told from error
