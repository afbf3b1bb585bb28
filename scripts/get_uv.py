"""Fetch uv's wheel from the package registry with the standard library alone, for machines without pip."""

import hashlib
import json
import platform
import stat
import sys
import urllib.request
import zipfile
from io import BytesIO
from pathlib import Path


def main() -> None:
    """Put `bin/uv` into the folder given; the wheel's sha256 is checked against the registry's."""
    target = Path(sys.argv[1])
    machine = {"x86_64": "x86_64", "aarch64": "aarch64"}[platform.machine()]
    with urllib.request.urlopen("https://pypi.org/pypi/uv/json", timeout=60) as answer:
        files = json.load(answer)["urls"]
    wheel = next(
        f for f in files if f["filename"].endswith(".whl") and "manylinux" in f["filename"] and machine in f["filename"]
    )
    with urllib.request.urlopen(wheel["url"], timeout=300) as answer:
        body = answer.read()
    if hashlib.sha256(body).hexdigest() != wheel["digests"]["sha256"]:
        raise SystemExit("the wheel of uv is not the one that the registry names")
    with zipfile.ZipFile(BytesIO(body)) as archive:
        name = next(n for n in archive.namelist() if n.endswith("/scripts/uv"))
        (target / "bin").mkdir(parents=True, exist_ok=True)
        program = target / "bin" / "uv"
        program.write_bytes(archive.read(name))
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    main()
