"""Sites as layers: public clients read them, a key sees its own, and a publication in between changes no page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import schemathesis

from serving.ogc.features import columns
from serving.ogc.sites import Kind
from tests.serving.layers import Layers
from tests.serving.service import Client
from tests.serving.sites import TABLES, TENTH, TWENTIETH, linked, observed, pages, site

pytestmark = pytest.mark.xdist_group("serving")
AIR = "/ogc/collections/air"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def gdal(client: Client, layer: str, box: str | None = None) -> Any:
    """What GDAL makes of a layer."""
    return run("gdal.py", client, layer, *([box] if box else []))


def owslib(client: Client, *calls: tuple[Any, ...]) -> list[Any]:
    """What OWSLib's client answers: (method, arguments …), named ones as a dictionary at the end."""
    named = [(call[:-1], call[-1]) if isinstance(call[-1], dict) else (call, {}) for call in calls]
    answers: list[Any] = run("ows.py", client, json.dumps([[given[0], given[1:], more] for given, more in named]))
    return answers


def run(program: str, client: Client, *arguments: str) -> Any:
    words = [sys.executable, str(Path(__file__).with_name(program)), client.url, str(client.key), *arguments]
    made = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_owslib_reads_collections_items_and_one_item(layers: Layers) -> None:
    names, air, all_of_them, first, boxed, timed, one, conformance, document, columns_ = owslib(
        layers.client,
        ("feature_collections",),
        ("collection", "air"),
        ("collections",),
        ("collection_items", "air", {"limit": 2}),
        ("collection_items", "air", {"bbox": [114, 34, 114.2, 35]}),
        ("collection_items", "air", {"datetime_": f"{TENTH}/.."}),
        ("collection_item", "air", "A2"),
        ("conformance",),
        ("api",),
        ("collection_schema", "air"),
    )
    assert names == ["air", "bin", "lamp"]
    assert (air["title"], air["itemCount"], air["crs"]) == ("空气站 Air stations", 5, [CRS84])
    assert air["extent"]["spatial"] == {"bbox": [[114.1234568, -17.0, 179.9, 34.9]], "crs": CRS84}
    assert air["extent"]["temporal"]["interval"] == [[TENTH, TWENTIETH]]
    assert air in all_of_them["collections"]
    assert (first["numberMatched"], first["numberReturned"]) == (5, 2)
    cursor = linked(first, "next").rpartition("cursor=")[2]  # type: ignore[union-attr]
    (second,) = owslib(layers.client, ("collection_items", "air", {"limit": 2, "cursor": cursor}))
    assert [item["id"] for item in first["features"] + second["features"]] == ["A1", "A2", "A3", "A4"]
    assert [item["id"] for item in boxed["features"]] == ["A2", "A3"]
    assert timed["features"] != []
    assert one["geometry"] == {"type": "Point", "coordinates": [114.1234568, 34.25]}
    assert conformance["conformsTo"][0].endswith("/ogcapi-features-1/1.0/conf/core")
    assert document["openapi"].startswith("3.0."), "it looks for the document of this version only"
    assert set(columns_["properties"]["properties"]["properties"]) == set(one["properties"])


def test_a_feature_carries_its_values_with_time_state_and_publication(layers: Layers) -> None:
    features = {item["id"]: item["properties"] for item in layers.client.page(f"{AIR}/items")["features"]}
    assert features["A3"] == {
        "name": "A3 号", "unit": "wulihe", "operation": "维修", "observed_at": TENTH, "state": "late",
        "noise": None, "noise_at": None, "noise_state": None, "pm25": 12.25, "pm25_at": TENTH, "pm25_state": "late",
        "publication": 3, "period": "2026-11", "status": "provisional", "source_as_of": "2026-11-28",
    }  # fmt: skip
    assert (features["A1"]["pm25"], features["A1"]["pm25_state"]) == (0.0, "fresh"), "zero is a value"
    assert (features["A4"]["pm25"], features["A4"]["pm25_state"]) == (None, "missing"), "and missing is none"


def test_gdal_reads_all_features_with_places_and_types(layers: Layers) -> None:
    found = gdal(layers.client, "air")
    assert [name for name, _ in found["layers"]] == ["air", "bin", "lamp"]
    assert (found["info"], found["crs"]) == (5, "EPSG:4326")
    types = {name: kind.removeprefix("OFT") for name, kind in found["types"].items()}
    assert types == {
        "id": "String", "name": "String", "unit": "String", "operation": "String", "observed_at": "DateTime",
        "state": "String", "noise": "Real", "noise_at": "DateTime", "noise_state": "String", "pm25": "Real",
        "pm25_at": "DateTime", "pm25_state": "String", "publication": "Integer", "period": "String",
        "status": "String", "source_as_of": "Date",
    }, "noise too, which has no value anywhere"  # fmt: skip
    assert found["places"] == [[114.51, 34.5], [114.1234568, 34.25], None, [114.9, 34.9], [179.9, -17.0]]
    assert [str(item["pm25"]) for item in found["features"]] == ["0.0", "35.5", "12.25", "nan", "7.0"]
    assert [item["name"] for item in found["features"]][2] == "A3 号"


def test_gdal_asks_for_its_box_and_sees_the_layers_of_its_key_only(layers: Layers) -> None:
    narrow = layers.client_of("gdal-wulihe", units=("wulihe",))
    assert [item["id"] for item in gdal(narrow, "air", "114.8,34,115,35")["features"]] == ["A4"]
    (log,) = (layers.shelf.settings.home / "audit").glob("*.ndjson")
    asked = [line for line in map(json.loads, log.read_text().splitlines()) if line.get("name") == "gdal-wulihe"]
    assert any("bbox=114.8" in line.get("query", "") for line in asked)
    assert {line["status"] for line in asked} == {200}, asked


def test_every_link_leads_to_what_it_says(layers: Layers) -> None:
    client, seen, ahead = layers.client, set(), {(f"{layers.client.url}/ogc/", "application/json", "self")}
    while ahead:
        href, media, rel = ahead.pop()
        seen.add((href, media, rel))
        answer = client.get(
            href.removeprefix(client.url), accept=media.partition(";")[0] if rel != "service-desc" else media
        )
        assert answer.status == 200, (href, media, answer.body)
        said = answer.headers["content-type"].replace(
            "application/json", media if rel == "service-desc" else "application/json"
        )
        assert said.startswith(media), (href, media, rel)
        content = answer.json if "json" in media else {}
        found = [content, *content.get("collections", ())] if "openapi" not in content else []
        new = {(item["href"], item["type"], item["rel"]) for part in found for item in part.get("links", ())}
        ahead |= new - seen
    assert {rel for _, _, rel in seen} == {
        "self", "alternate", "service-desc", "service-doc", "conformance", "data", "items", "describedby", "collection",
    }  # fmt: skip


def test_the_answer_is_of_the_type_that_the_client_accepts(layers: Layers) -> None:
    for accept, media in {
        "application/geo+json": "application/geo+json",
        "application/json": "application/json",
        "application/geo+json, application/json": "application/geo+json",
        "application/json, application/geo+json;q=0.5": "application/json",
        "*/*": "application/geo+json",
    }.items():
        for target in (f"{AIR}/items", f"{AIR}/items/A1"):
            answer = layers.client.get(target, accept=accept)
            assert (answer.status, answer.headers["content-type"]) == (200, media), accept
            assert "Accept" in answer.headers["vary"]
            other = ({"application/geo+json", "application/json"} - {media}).pop()
            assert (
                linked(answer.json, "self", media)
                == linked(answer.json, "alternate", other)
                == layers.client.url + target
            )
    for target in (
        "/ogc/",
        "/ogc/conformance",
        "/ogc/collections",
        AIR,
        f"{AIR}/schema",
        f"{AIR}/items",
        f"{AIR}/items/A1",
    ):
        answer = layers.client.get(target, accept="text/html")
        assert (answer.status, answer.code) == (406, "CH-SERVE-011"), target


def test_features_fit_the_schema_of_their_layer(layers: Layers) -> None:
    for client in (layers.client, layers.client_of("no-values", "site")):
        for layer in ("air", "lamp"):
            stated = nullable(client.page(f"/ogc/collections/{layer}/schema"))
            for feature in client.page(f"/ogc/collections/{layer}/items")["features"]:
                jsonschema.validate(feature, stated)
            broken = feature | {"properties": feature["properties"] | {"publication": "3"}}
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(broken, stated)


def nullable(part: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema."""
    if isinstance(part, list):
        return [nullable(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: nullable(item) for name, item in part.items() if name != "$id"}
    if found.pop("nullable", False):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found


def test_the_document_for_gis_programs_is_openapi_3_0(layers: Layers) -> None:
    made = Client(layers.client.url).page("/ogc/openapi.json")
    schemathesis.openapi.from_dict(made).validate()
    assert made["servers"] == [{"url": f"{layers.client.url}/ogc"}]
    items = made["paths"]["/collections/{kind}/items"]["get"]["parameters"]
    assert {"$ref": "#/components/parameters/limit"} in items
    assert made["components"]["parameters"]["limit"]["schema"]["maximum"] == 10_000
    bbox = next(item for item in items if item.get("name") == "bbox")
    assert (bbox["style"], bbox["explode"], bbox["schema"]["type"]) == ("form", False, "array")


def test_a_number_of_any_letters_is_found_by_its_link_and_nothing_else_is(filling: Layers) -> None:
    odd = ["A/1", "../../etc/passwd", "50%", "a b", "号1", "x'--", "q?x=1", "#7", "a+b", '"']
    filling.shelf.put(**{**TABLES, "site": [site("air", number, "juji") for number in odd]})
    page = filling.client.page(f"{AIR}/items")
    assert {item["id"] for item in page["features"]} == set(odd)
    for number in odd:
        one = filling.client.page(f"{AIR}/items/{quote(number, safe='')}")
        there = linked(one, "self") or ""
        assert filling.client.page(there.removeprefix(filling.client.url)) == one and one["id"] == number
    numbered = list(pages(filling.client, f"{AIR}/items?limit=1"))
    assert sorted(page["features"][0]["id"] for page in numbered) == sorted(odd)
    for target in (
        f"{AIR}/items/A", f"{AIR}/items/A%25", f"{AIR}/items/", f"{AIR}/items/%25", f"{AIR}/items/..%2f..%2fx",
        f"{AIR}/item", "/ogc/collections/..%2f..%2fkeys.json/items", "/ogc/collections/air'--/items",
        "/ogc/collections/ranking/items", "/ogc/../keys.json", "/ogc/collections/lam/items", "/ogc/collections/AIR",
        "/ogc/collections/",
    ):  # fmt: skip
        assert filling.client.get(target).status == 404, target
    for target in (f"{AIR}/items/a%00b", f"/ogc/collections/{'x' * 61}/items", f"{AIR}/items/{'x' * 301}"):
        assert filling.client.get(target).status == 400, target


def test_columns_of_values_never_take_the_place_of_others() -> None:
    names = ["state", "pm25", "pm25_at", "id", "publication"]
    kind = Kind("k", "", "", tuple(observed("k", name, "", "", None) for name in names))
    found = columns(kind)
    assert found == {
        "state": "state_value", "pm25": "pm25", "pm25_at": "pm25_at_value", "id": "id_value",
        "publication": "publication_value",
    }  # fmt: skip
    every = [f"{name}{end}" for name in found.values() for end in ("", "_at", "_state")]
    assert len(set(every)) == len(every)


def test_links_begin_with_the_address_that_was_asked_and_with_no_other_text(layers: Layers) -> None:
    answer = layers.client.send("GET", "/ogc/", {"Host": "hub.example.cn:8443", "X-Forwarded-Proto": "https"})
    assert linked(answer.json, "data") == "https://hub.example.cn:8443/ogc/collections", "a proxy on this machine"
    for host in ("[", "a b", "a/b", "a@b", "", '"><script>', "a" * 300):
        refused = layers.client.send("GET", "/ogc/", {"Host": host})
        assert (refused.status, refused.code) == (400, "CH-SERVE-009"), host
