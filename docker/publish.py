"""Ask a running city in a box to publish its day's messages: `publish.py READY_JSON`; prints its answer."""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path


def main(ready: Path) -> int:
    """0 when the broker acknowledged every message; the address of the city stands in its `ready.json`."""
    control = json.loads(ready.read_text(encoding="utf-8"))["control"]
    request = urllib.request.Request(f"{control}/publish", method="POST")
    with urllib.request.urlopen(request, timeout=300) as answer:
        sys.stdout.write(answer.read().decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
