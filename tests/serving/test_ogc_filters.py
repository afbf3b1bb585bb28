"""Filters of layers: boxes, times, units; what is none is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.serving.layers import Layers
from tests.serving.sites import TENTH, numbers

pytestmark = pytest.mark.xdist_group("serving")
AIR = "/ogc/collections/air"
WITHOUT_PLACE, WITHOUT_TIME = "A3", "A4"


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ("114.5,34.4,114.6,34.6", {"A1"}),
        ("114.51,34.5,114.51,34.5", {"A1"}),
        ("114,34,115,35", {"A1", "A2", "A4"}),
        ("114,34,0,115,35,100", {"A1", "A2", "A4"}),
        ("-180,-90,180,90", {"A1", "A2", "A4", "A5"}),
        ("170,-20,-170,0", {"A5"}),
        ("179.95,-20,114.2,90", {"A2"}),
        ("1e1,-1,1.5E1,0", set()),
    ],
)
def test_a_box_holds_what_lies_in_it_and_what_has_no_place(layers: Layers, box: str, inside: set[str]) -> None:
    page = layers.client.page(f"{AIR}/items?bbox={box}")
    assert {item["id"] for item in page["features"]} == inside | {WITHOUT_PLACE}
    assert page["numberMatched"] == len(page["features"])


@pytest.mark.parametrize(
    "box",
    [
        "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d", "114,35,115,34", "-181,0,0,1", "0,0,180.1,1", "0,-91,1,1",
        "0,0,5,1,1,4", "NaN,0,1,1", "inf,0,1,1", "0,0,1", "", "1,2,3,4,", "1;2;3;4", "0x1,2,3,4", "1e99,0,1,1",
        "1,2,3,4' OR 1=1", "٣,2,3,4",
    ],
)  # fmt: skip
def test_a_box_that_is_none_is_refused(layers: Layers, box: str) -> None:
    answer = layers.client.get(f"{AIR}/items?bbox={quote(box)}")
    assert (answer.status, answer.code) == (400, "CH-SERVE-009"), answer.body


@pytest.mark.parametrize(
    ("time", "then"),
    [
        (TENTH, {"A1", "A3"}),
        ("2026-11-10T00:00:00Z", {"A1", "A3"}),
        ("2026-11-10t00:00:00.000z", {"A1", "A3"}),
        ("2026-11-10", {"A1", "A3"}),
        ("2026-11-20", {"A2", "A5"}),
        ("2026-11-20T23:59:59+08:00", set()),
        ("2026-11-10/2026-11-20", {"A1", "A2", "A3", "A5"}),
        (f"{TENTH}/..", {"A1", "A2", "A3", "A5"}),
        ("2026-11-10T08:00:01+08:00/", {"A2", "A5"}),
        ("../2026-11-19", {"A1", "A3"}),
        ("/2026-11-09", set()),
    ],
)
def test_a_time_holds_what_was_observed_then_and_what_has_no_time(layers: Layers, time: str, then: set[str]) -> None:
    page = layers.client.page(f"{AIR}/items?datetime={quote(time)}")
    assert {item["id"] for item in page["features"]} == then | {WITHOUT_TIME}
    assert page["numberMatched"] == len(page["features"])


@pytest.mark.parametrize(
    "time",
    [
        "yesterday", "2026", "2026-11", "2026-02-30", "2026-11-31T00:00:00Z", "2026-11-10T08:00:00",
        "2026-11-10T24:00:00Z", "2026-11-10 08:00:00Z", "../..", "/", "..", "", "2026-11-20/2026-11-10",
        "2026-11-10/2026-11-11/2026-11-12",
        "2026-11-10/now", "0000-01-01", "9999-12-31T23:59:59-08:00", "2026-11-10T08:00:00Z' OR 1=1",
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(layers: Layers, time: str) -> None:
    answer = layers.client.get(f"{AIR}/items?datetime={quote(time)}")
    assert (answer.status, answer.code) == (400, "CH-SERVE-009"), answer.body


def test_filters_hold_together_and_a_page_may_be_smaller_than_asked_for(layers: Layers) -> None:
    assert numbers(layers.client, f"{AIR}/items?bbox=114,34,115,35&datetime=2026-11-20&unit=juji") == ["A2"]
    assert numbers(layers.client, f"{AIR}/items?unit=wulihe&limit=1") == ["A3", "A4"]
    assert numbers(layers.client, f"{AIR}/items?datetime=2026-11-10&limit=1") == ["A1", "A3", "A4"], "on every page"
    assert numbers(layers.client, f"{AIR}/items?bbox=114,34,115,35&limit=1") == ["A1", "A2", "A3", "A4"]
    assert layers.client.page(f"{AIR}/items?limit=50000")["numberReturned"] == 5, "more than there is, or is given"
    for query in (
        "limit=0",
        "limit=-1",
        "limit=1e3",
        "f=json",
        "offset=2",
        "crs=x",
        "bbox=1,2,3,4&bbox=1,2,3,4",
        "uni=a",
    ):
        answer = layers.client.get(f"{AIR}/items?{query}")
        assert (answer.status, answer.code) == (400, "CH-SERVE-009"), query
