"""Where backups lie: a folder, or a prefix of an S3-compatible bucket; keys are relative paths with `/`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

from cityhub import secrets
from cityhub.errors import Retry, Usage

BLOCK = 1 << 20
ENDPOINT, KEY, SECRET, REGION = "backup_s3_endpoint", "backup_s3_key", "backup_s3_secret", "backup_s3_region"


@dataclass(frozen=True)
class Place:
    """`root` is a path inside `filesystem`; `folder` is it as a folder of this machine, None for a bucket."""

    filesystem: fs.FileSystem
    root: str
    address: str
    folder: Path | None

    def sizes(self, prefix: str) -> dict[str, int]:
        """Key → bytes of everything below a prefix; nothing where there is none."""
        with self._asked(prefix):
            found = self.filesystem.get_file_info(
                fs.FileSelector(f"{self.root}/{prefix}", recursive=True, allow_not_found=True)
            )
        start = len(self.root) + 1
        return {item.path[start:]: int(item.size) for item in found if item.type == fs.FileType.File}

    def put(self, key: str, source: Path, size: int) -> None:
        """Store the first `size` bytes of a file; whoever finds the key in a folder finds it whole."""
        with source.open("rb") as handle, self._asked(key), self._new(key) as target:
            for block in blocks(handle, size):
                target.write(block)

    def put_bytes(self, key: str, content: bytes) -> None:
        """Store a small file."""
        with self._asked(key), self._new(key) as target:
            target.write(content)

    def read(self, key: str) -> bytes:
        """A small file; raises `FileNotFoundError`."""
        with self._asked(key), self.filesystem.open_input_stream(f"{self.root}/{key}") as source:
            return bytes(source.read())

    def digest(self, key: str, target: Path | None = None) -> str:
        """sha256 of what is stored, written into `target` on the way; raises `FileNotFoundError`."""
        found = hashlib.sha256()
        with self._asked(key), self.filesystem.open_input_stream(f"{self.root}/{key}") as source:
            if target is None:
                for block in iter(lambda: source.read(BLOCK), b""):
                    found.update(block)
                return found.hexdigest()
            with target.open("wb") as handle:
                for block in iter(lambda: source.read(BLOCK), b""):
                    found.update(block)
                    handle.write(block)
                handle.flush()
                os.fsync(handle.fileno())
        return found.hexdigest()

    @contextmanager
    def _new(self, key: str) -> Iterator[fs.FileSystem]:
        path = f"{self.root}/{key}"
        if self.folder is None:  # an object of a bucket has its name when it is complete
            with self.filesystem.open_output_stream(path) as stream:
                yield stream
            return
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        half = final.with_name(f".{final.name}.{os.getpid()}.tmp")
        try:
            with half.open("wb") as handle:
                yield handle
                handle.flush()
                os.fsync(handle.fileno())
            half.replace(final)
        finally:
            half.unlink(missing_ok=True)

    @contextmanager
    def _asked(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            detail = str(error).splitlines()[0]
            raise Retry("CH-BACKUP-006", address=self.address, file=key, detail=detail) from error


def place(address: str) -> Place:
    """The place of an address: a path, or `s3://bucket/prefix` with the named settings `backup_s3_…`.

    Raises `Usage` CH-BACKUP-012 for any other address, `Stop` CH-CONF-001 where a key is not set.
    """
    kind, separator, rest = address.partition("://")
    if not separator:
        folder = Path(address).resolve()
        return Place(fs.LocalFileSystem(), str(folder), str(folder), folder)
    bucket = rest.strip("/")
    if kind != "s3" or not bucket:
        raise Usage("CH-BACKUP-012", address=secrets.redact(address))
    endpoint = secrets.lookup(ENDPOINT)
    filesystem = fs.S3FileSystem(
        access_key=secrets.secret(KEY),
        secret_key=secrets.secret(SECRET),
        endpoint_override=endpoint,
        region=secrets.lookup(REGION) or "us-east-1",
        background_writes=False,
    )
    return Place(filesystem, bucket, f"s3://{bucket}", None)


def blocks(handle: object, size: int) -> Iterator[bytes]:
    """The first `size` bytes of an open file; raises `EOFError` when it has fewer."""
    left = size
    while left:
        block: bytes = handle.read(min(BLOCK, left))  # type: ignore[attr-defined]  # any binary file object
        if not block:
            raise EOFError(f"{left} bytes fewer than a moment ago")
        left -= len(block)
        yield block


def sha256(path: Path, size: int) -> str:
    """Of the first `size` bytes of a file."""
    found = hashlib.sha256()
    with path.open("rb") as handle:
        for block in blocks(handle, size):
            found.update(block)
    return found.hexdigest()
