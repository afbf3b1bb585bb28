"""The dataset `dictionary`: what every column of the other datasets means, as rows."""

from __future__ import annotations

import json

from extracts.datasets import DATASETS
from warehouse.names import literal

_STRUCT = json.dumps(
    [
        {
            "dataset": "VARCHAR", "column_name": "VARCHAR", "position": "BIGINT", "type": "VARCHAR",
            "in_key": "BOOLEAN", "nullable": "BOOLEAN", "title_zh": "VARCHAR", "title_en": "VARCHAR",
            "allowed": "VARCHAR",
        }
    ]
)  # fmt: skip


def _rows() -> list[dict[str, object]]:
    return [
        {
            "dataset": dataset.id,
            "column_name": column.name,
            "position": position,
            "type": column.type,
            "in_key": column.name in dataset.key,
            "nullable": column.nullable,
            "title_zh": column.zh,
            "title_en": column.en,
            "allowed": "|".join(column.values) or None,
        }
        for dataset in DATASETS.values()
        for position, column in enumerate(dataset.columns, 1)
    ]


SELECT = (
    "SELECT getvariable('month') AS period, * FROM (SELECT unnest(from_json("
    f"{literal(json.dumps(_rows(), ensure_ascii=False))}, {literal(_STRUCT)}), recursive := true))"
)
"""Over nothing but datasets.yaml; the month is that of the publication."""
