"""A flag in the answer ends a paging, and nothing else does: short pages go on, a full last page is the last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.look.stub import stub
from connectors.rest import pull
from tests.sandbox.cities import DAY
from tests.servers.http import Answer, Request, as_json, vendor
from warehouse.landing import Delivery

PAGES = [3, 1, 4, 4]  # records of each page; the page size is 4
PAGINGS: list[dict[str, Any]] = [
    {"kind": "page", "page_param": "p", "size": 4, "more_at": "more", "more": ["Y"]},
    {"kind": "offset", "offset_param": "p", "size": 4, "more_at": "more", "more": ["Y"]},
    {"kind": "cursor", "cursor_param": "p", "cursor_at": "next", "more_at": "more", "more": ["Y"]},
]


@pytest.mark.parametrize("paging", PAGINGS, ids=[paging["kind"] for paging in PAGINGS])
def test_the_flag_alone_ends_the_paging(paging: dict[str, Any], tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        number = len(running.requests) - 1
        rows = [{"id": f"{number}-{i}"} for i in range(PAGES[number])]
        return as_json({"rows": rows, "more": "N" if number == len(PAGES) - 1 else "Y", "next": str(number)})

    with vendor(answer) as running:
        source = {"kind": "rest", "address": running.address, "records_at": "rows", "paging": paging}
        with Delivery(tmp_path, "gas.trial", DAY) as delivery:
            pull(stub(source, "gas.trial"), DAY, delivery)
        assert len(running.requests) == len(PAGES)
    assert delivery.manifest is not None
    assert len(delivery.manifest.parts) == len(PAGES)
    assert json.dumps(delivery.manifest.findings) == "[]"
