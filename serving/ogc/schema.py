"""What the columns of a layer are: JSON Schema of a feature, from which GIS programs take their types."""

from __future__ import annotations

from typing import Any

from extracts.datasets import DATASETS, Column, property_of
from extracts.model import STATUSES
from serving.ogc.features import OWN, columns
from serving.ogc.shapes import POINT
from serving.ogc.sites import Kind

SITE, VALUE = DATASETS["site"], DATASETS["last_value"]


def feature(address: str, kind: Kind, *, values: bool) -> dict[str, Any]:
    """Schema of a feature. `address`: where it is; the columns of values only where they may be read.

    A type says what a value is where there is one, and `nullable` (as in OpenAPI 3.0) that there may be none: GIS
    programs make columns of texts where they find more than one type.
    """
    found = {name: {**_typed(SITE.column(name)), "title": SITE.column(name).zh} for name in OWN}
    for row in kind.properties if values else ():
        name = columns(kind)[row["property"]]
        measure = {"x-ogc-unit": row["measure"]} if row["measure"] else {}
        found |= {
            name: {**_typed(VALUE.column("value")), "title": f"{row['title_zh']} {row['title_en']}", **measure},
            f"{name}_at": {**_typed(VALUE.column("observed_at")), "title": f"{row['title_zh']} 观测时间"},
            f"{name}_state": {
                **_typed(VALUE.column("state")),
                "nullable": True,  # where the publication says nothing of it
                "title": f"{row['title_zh']} 数据状态",
            },
        }
    found |= {
        "publication": {"type": "integer", "title": "发布序号"},
        "period": {"type": "string", "title": "月份"},
        "status": {"type": "string", "title": "发布状态", "enum": list(STATUSES.values())},
        "source_as_of": {"type": "string", "format": "date", "title": "数据截至日"},
    }
    properties = {"type": "object", "properties": found, "required": list(found), "additionalProperties": False}
    return {
        "$id": address,
        "title": kind.title_zh,
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string", "title": "点位编号"},
            "geometry": {**POINT, "type": "object", "nullable": True},
            "properties": properties,
        },
        "required": ["type", "id", "geometry", "properties"],
    }


def _typed(column: Column) -> dict[str, Any]:
    stated = property_of(column)
    made: dict[str, Any] = {name: stated[name] for name in ("type", "format", "enum") if name in stated}
    if column.nullable:
        made |= {"type": stated["type"][0], "nullable": True}
        if column.values:
            made["enum"] = [*column.values]
    return made
