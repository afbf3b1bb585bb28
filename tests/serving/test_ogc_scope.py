"""Layers by key: its units, its months, its datasets."""

from __future__ import annotations

import pytest

from tests.serving.layers import Layers
from tests.serving.sites import TABLES, TENTH, linked, value

pytestmark = pytest.mark.xdist_group("serving")
AIR = "/ogc/collections/air"


def test_a_key_of_one_unit_sees_its_own_sites_only(layers: Layers) -> None:
    client = layers.client_of("wulihe", units=("wulihe",))
    page = client.page(f"{AIR}/items")
    assert ([item["id"] for item in page["features"]], page["numberMatched"]) == (["A3", "A4"], 2)
    assert client.get(f"{AIR}/items/A3").status == 200
    for number in ("A1", "A5"):
        hidden = client.get(f"{AIR}/items/{number}")
        assert (hidden.status, hidden.code) == (404, "CH-SERVE-007"), "as one that there is not"
    assert client.page(f"{AIR}/items?unit=juji")["numberMatched"] == 0
    seen = {item["id"]: item for item in client.page("/ogc/collections")["collections"]}
    assert seen["air"]["extent"]["spatial"]["bbox"] == [[114.9, 34.9, 114.9, 34.9]]
    assert seen["air"]["extent"]["temporal"]["interval"] == [[TENTH, TENTH]]
    assert (seen["air"]["itemCount"], seen["lamp"]["itemCount"]) == (2, 0)
    assert "extent" not in seen["lamp"] and client.page("/ogc/collections/lamp/items")["features"] == []


def test_a_value_of_another_unit_is_not_shown_at_a_site_of_ones_own(filling: Layers) -> None:
    filling.shelf.put(**{**TABLES, "last_value": [value("air", "A1", "pm25", "wulihe", 5.0, TENTH)]})
    own = filling.client_of("juji", units=("juji",)).page(f"{AIR}/items/A1")["properties"]
    assert (own["pm25"], own["pm25_at"], own["pm25_state"]) == (None, None, None)
    assert filling.client.page(f"{AIR}/items/A1")["properties"]["pm25"] == 5.0


def test_a_key_without_values_sees_sites_without_their_columns(layers: Layers) -> None:
    client = layers.client_of("places", "site")
    own = {"name", "unit", "operation", "observed_at", "state", "publication", "period", "status", "source_as_of"}
    for feature in client.page(f"{AIR}/items")["features"] + [client.page(f"{AIR}/items/A1")]:
        assert set(feature["properties"]) == own
    assert set(client.page(f"{AIR}/schema")["properties"]["properties"]["properties"]) == own
    etag = client.get(f"{AIR}/items").headers["etag"]
    assert layers.client.get(f"{AIR}/items", if_none_match=etag).status == 200, "two scopes have two validators"
    refused = layers.client_of("values-only", "last_value").get(f"{AIR}/items")
    assert (refused.status, refused.code) == (403, "CH-SERVE-004")


def test_the_newest_publication_of_the_newest_month_that_the_key_may_read_is_shown(layers: Layers) -> None:
    assert layers.client.page("/ogc/collections")["publication"] == 3
    old = layers.client_of("october", periods=("2026-10",))
    page = old.page("/ogc/collections/lamp/items")
    assert [(item["id"], item["properties"]["publication"]) for item in page["features"]] == [("OLD", 1)]
    assert (page["period"], page["status"], page["source_as_of"]) == ("2026-10", "final", "2026-10-28")
    none = layers.client_of("september", periods=("2026-09",))
    assert none.page("/ogc/collections")["collections"] == []
    assert none.get("/ogc/collections/lamp/items").status == 404
    cursor = layers.client.page(f"{AIR}/items?limit=1")
    there = linked(cursor, "next").removeprefix(layers.client.url)  # type: ignore[union-attr]
    assert old.get(there).code == "CH-SERVE-005", "a cursor opens no month"


def test_an_empty_installation_has_no_layers(filling: Layers) -> None:
    client = filling.client
    assert client.page("/ogc/collections")["collections"] == []
    for target in (AIR, f"{AIR}/schema", f"{AIR}/items", f"{AIR}/items/A1"):
        assert (client.get(target).status, client.get(target).code) == (404, "CH-SERVE-007"), target
    filling.shelf.put(ranking=[{"period": "2026-11", "unit": "juji"}])
    assert client.page("/ogc/collections")["collections"] == [], "a publication of before there were sites"
    filling.shelf.put(site=[], site_kind=TABLES["site_kind"])
    assert client.page(f"{AIR}/items")["features"] == []
