"""What GDAL makes of a layer, as one JSON object: run as a program, because GDAL lets no other thread of its process
answer while it reads. Arguments: address, key, layer, and a box (four numbers with commas) where one is wanted."""

from __future__ import annotations

import json
import struct
import sys
from typing import Any

import pyogrio
from pyogrio.raw import read


def main(address: str, key: str, layer: str, box: str | None = None) -> None:
    """Print layers, field types, and features."""
    pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": key})
    name = f"OAPIF:{address}/ogc/"
    wanted = tuple(float(part) for part in box.split(",")) if box else None
    meta, _, places, columns = read(name, layer=layer, bbox=wanted)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    told = {
        "layers": [list(item) for item in pyogrio.list_layers(name).tolist()],
        "crs": meta["crs"],
        "types": dict(zip(meta["fields"].tolist(), meta["ogr_types"], strict=True)),
        "features": [dict(zip(meta["fields"].tolist(), row, strict=True)) for row in rows],
        "places": [_point(place) for place in places],
        "info": pyogrio.read_info(name, layer=layer)["features"],
    }
    print(json.dumps(told, default=str))


def _point(raw: bytes | None) -> Any:
    return None if raw is None else struct.unpack("<xxxxxdd", raw)


if __name__ == "__main__":
    main(*sys.argv[1:])
