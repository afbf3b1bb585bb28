"""The OpenAPI document against the running service: no server error, no answer that it does not name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
import schemathesis

from tests.serving.conftest import Town
from tests.serving.sites import linked

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture(scope="module")
def api_schema(town: Town) -> Any:
    """The document as the service gives it; HEAD is compared with GET in test_files."""
    return schemathesis.openapi.from_url(f"{town.url}/v1/openapi.json")


schema = schemathesis.pytest.from_fixture("api_schema").exclude(method="HEAD")


@schema.parametrize()
@hypothesis.settings(max_examples=5, deadline=None, derandomize=True)
def test_every_answer_is_one_that_the_document_names(case: Any, town: Town) -> None:
    if case.meta.generation.mode.is_positive:
        make_real(case, town)
    case.call_and_validate(headers={"Authorization": f"Bearer {town.client.key}"})


def make_real(case: Any, town: Town) -> None:
    """What the service gives and nobody makes up: cursors, names of files, numbers of publications and sites."""
    held = town.client.page("/v1/datasets/ranking/publications/latest")
    real = {"name": held["files"][0]["url"].rpartition("/")[2], "kind": "air", "site": "A1"}
    case.path_parameters |= {name: real[name] for name in real.keys() & case.path_parameters.keys()}
    if case.method.upper() == "POST":
        case.body |= {"dataset": "ranking", "sequence": held["sequence"]}
    if case.query and case.query.pop("cursor", None) is not None:
        asked = urlencode(dict(case.query) | {"limit": 1})
        first = town.client.get(f"{case.formatted_path}?{asked}")
        following = next_of(first.json) if first.status == 200 else None
        if following:
            case.query["cursor"] = following


def next_of(page: Any) -> str | None:
    """The cursor of the next page: a member of rows, the end of a link of features."""
    if "links" not in page:
        return page["next"]
    link = linked(page, "next")
    return link and link.rpartition("cursor=")[2]
