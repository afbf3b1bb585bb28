"""The data sets that lineage events name: source → landing → table → indicators and scores → publication.

Addresses are those of the specs, where secrets and hosts are names in `${}`; nothing resolved ever stands in an event.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset as assertions,
)
from openlineage.client.facet_v2 import (
    data_quality_metrics_input_dataset as quality,
)
from openlineage.client.facet_v2 import (
    output_statistics_output_dataset as statistics,
)
from openlineage.client.facet_v2 import (
    schema_dataset as schema,
)

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.observe.lineage import namespace

Name = tuple[str, str]
RESULTS = {
    "quality": ("quality_result",),
    "indicators": ("indicator", "indicator_value"),
    "scoring": ("score", "ranking"),
}


def source(spec: FeedSpec) -> Name:
    """What a feed is read from."""
    return f"{namespace()}.source.{spec.source.kind}", spec.feed


def landing(settings: Settings, feed: str, day: date) -> Name:
    """The folder of a feed's day in landing."""
    return "file", str(settings.landing / feed / day.isoformat())


def table(name: str) -> Name:
    """A table of the warehouse."""
    return namespace(), f"lake.main.{name}"


def publication(settings: Settings, number: int) -> Name:
    """The folder of a publication."""
    return "file", str(settings.publications / f"{number:06d}")


def columns(spec: FeedSpec, *, received: bool = False) -> schema.SchemaDatasetFacet:
    """The schema facet of a feed's table, a dropped personal field is no column of it; `received`: of its source,
    under the names that the source gives."""
    kept = [(name, field) for name, field in spec.fields.items() if received or field.personal != "drop"]
    return schema.SchemaDatasetFacet(
        fields=[
            schema.SchemaDatasetFacetFields(
                name=field.source if received else name,
                type=None if received else field.type,
                description=field.description,
                ordinal_position=position,
            )
            for position, (name, field) in enumerate(kept, 1)
        ]
    )


def measured(run: dict[str, Any]) -> dict[str, Any]:
    """Data quality facets of what was landed: rows, bytes, bodies; and each reason for which rows were refused, as a
    failed assertion about its column with their number. Values of columns are not measured."""
    requests, counts = run.get("requests") or {}, run.get("counts") or {}
    facets: dict[str, Any] = {
        "dataQualityMetrics": quality.DataQualityMetricsInputDatasetFacet(
            rowCount=counts.get("landed"),
            bytes=requests.get("bytes"),
            fileCount=requests.get("bodies"),
            columnMetrics={},
        )
    }
    refused = []
    for reason, rows in (run.get("quarantine") or {}).items():
        name, _, column = reason.partition(":")
        refused.append(
            assertions.Assertion(
                assertion=name, success=False, column=column or None, severity="warn", expected="0", actual=str(rows)
            )
        )
    if refused:
        facets["dataQualityAssertions"] = assertions.DataQualityAssertionsDatasetFacet(assertions=refused)
    return facets


def written(rows: int | None, size: int | None = None, files: int | None = None) -> dict[str, Any]:
    """Output statistics facet."""
    return {
        "outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size, fileCount=files)
    }


def checked(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Assertions facet of a table: `{check, column, success, severity}` each."""
    every = [
        assertions.Assertion(
            assertion=item["check"], success=item["success"], column=item["column"],
            severity="error" if item["severity"] == "critical" else "warn",
        )
        for item in results
    ]  # fmt: skip
    return {"dataQualityAssertions": assertions.DataQualityAssertionsDatasetFacet(assertions=every)}


def input_of(name: Name, facets: dict[str, Any] | None = None, about: dict[str, Any] | None = None) -> InputDataset:
    """An input; `about` are facets of the reading, `facets` of the data set itself."""
    return InputDataset(*name, facets=facets or {}, inputFacets=about or {})


def output_of(name: Name, facets: dict[str, Any] | None = None, about: dict[str, Any] | None = None) -> OutputDataset:
    """An output; `about` are facets of the writing, `facets` of the data set itself."""
    return OutputDataset(*name, facets=facets or {}, outputFacets=about or {})
