"""Text in whatever encoding a source writes → UTF-8 without a byte order mark, as a stream."""

from __future__ import annotations

import codecs
from pathlib import Path

from cityhub.errors import Stop
from warehouse.landing import Part
from warehouse.readers.job import Job, opened

CHUNK = 1 << 20


def decoded(body: bytes, encoding: str) -> str:
    """A whole body as text, by the rules of `as_utf8`; raises UnicodeDecodeError, LookupError."""
    mark, found = _mark(body[:4])
    return body[mark:].decode(_codec(found, encoding or "utf-8")).replace("\ufeff", "")


def encoding_of(head: bytes, declared: str) -> str:
    """The codec for a body that begins so."""
    return _codec(_mark(head)[1], declared)


def _codec(mark: str | None, encoding: str) -> str:
    # GBK and GB2312 as declared mean what its superset GB18030 reads, and files often hold more of it.
    return mark or ("gb18030" if encoding.lower().replace("-", "") in {"gbk", "gb2312", "cp936"} else encoding)


def as_utf8(job: Job, number: int, part: Part) -> Path:
    """The part as a plain UTF-8 file in the work folder.

    A byte order mark wins over the declared encoding. Raises `Stop` CH-LOAD-002 with the position of the
    first byte that the encoding does not know: a guess would put wrong names into the warehouse.
    """
    encoding = str(job.option("encoding") or "utf-8")
    target = job.work / f"{number:06d}.txt"
    done = 0
    with opened(job.file(part)) as stream, target.open("w", encoding="utf-8", newline="") as out:
        chunk = stream.read(CHUNK)
        mark, found = _mark(chunk)
        chunk, done = chunk[mark:], mark
        name = _codec(found, encoding)
        try:
            decoder = codecs.getincrementaldecoder(name)("strict")
        except LookupError:
            raise Stop("CH-LOAD-002", feed=job.spec.feed, part=part.file, encoding=name, byte=0) from None
        while True:
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise Stop(
                    "CH-LOAD-002",
                    feed=job.spec.feed,
                    part=part.file,
                    encoding=name,
                    byte=done - pending + error.start,
                ) from None
            # A second mark stands where files were joined; it must not become part of a name.
            out.write(text.replace("\ufeff", ""))
            if not chunk:
                return target
            done += len(chunk)
            chunk = stream.read(CHUNK)


def _mark(head: bytes) -> tuple[int, str | None]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (b"\x84\x31\x95\x33", "gb18030"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return len(mark), encoding
    return 0, None
