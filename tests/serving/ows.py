"""What OWSLib answers, as a JSON list: run as a program, because it gives XML namespaces prefixes of its own for the
whole process. Arguments: address, key, and the calls: a JSON list of [method, arguments, named arguments]."""

from __future__ import annotations

import json
import sys

from owslib.ogcapi.features import Features


def main(address: str, key: str, calls: str) -> None:
    """Print what each call gives."""
    hub = Features(f"{address}/ogc/", headers={"Authorization": f"Bearer {key}"})
    print(json.dumps([getattr(hub, method)(*given, **named) for method, given, named in json.loads(calls)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
