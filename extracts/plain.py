"""Rows as JSON and CSV have them, said in SQL, so that files and answers hold the same texts."""

from __future__ import annotations

from extracts.datasets import Column, Dataset
from warehouse.names import identifier


def columns(dataset: Dataset) -> str:
    """The SELECT list: decimals as exact texts without trailing zeros, days and moments as ISO 8601."""
    return ", ".join(f"{_plain(column)} AS {identifier(column.name)}" for column in dataset.columns)


def _plain(column: Column) -> str:
    name = identifier(column.name)
    if column.type == "decimal":
        return f"rtrim(rtrim(CAST({name} AS VARCHAR), '0'), '.')"
    if column.type == "date":
        return f"strftime({name}, '%Y-%m-%d')"
    if column.type == "timestamp":
        return moment(name)
    return name


def moment(sql: str) -> str:
    """A moment as ISO 8601 in the local time of Asia/Shanghai."""
    local = f"timezone('Asia/Shanghai', {sql})"
    return f"replace(strftime({local}, '%Y-%m-%dT%H:%M:%S.%f+08:00'), '.000000', '')"
