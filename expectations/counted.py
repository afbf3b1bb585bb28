"""Unexpected rows of a query, counted: the hub keeps how many there are and never the rows themselves."""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe


class UnexpectedRowsCount(gxe.UnexpectedRowsExpectation):  # type: ignore[misc]  # great-expectations has no types
    """great-expectations' own asks each query twice, once for the number and once for the rows, which nobody reads
    here (they may hold personal fields). This one asks for the number."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}
