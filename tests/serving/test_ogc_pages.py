"""Pages of layers: they lose and repeat nothing, and their cursors are made by nobody else."""

from __future__ import annotations

import base64

import pytest

from extracts.prune import prune
from serving.cursors import Cursors
from tests.serving.layers import Layers
from tests.serving.sites import TABLES, TENTH, linked, numbers, of_month, pages, site, value

pytestmark = pytest.mark.xdist_group("serving")
AIR = "/ogc/collections/air"


def test_a_publication_between_two_pages_changes_no_page(filling: Layers) -> None:
    filling.shelf.put(**TABLES)
    before = list(pages(filling.client, f"{AIR}/items?limit=1"))
    assert [item["id"] for page in before for item in page["features"]] == ["A1", "A2", "A3", "A4", "A5"]
    others = [
        site("air", "A0", "juji"),
        site("air", "A2", "juji"),
        site("air", "A25", "juji"),
        site("air", "A9", "juji"),
    ]
    told = value("air", "A2", "pm25", "juji", 99.0, TENTH)
    rounds = iter([
        {**TABLES, "site": others, "last_value": [told]},
        of_month("2026-12", {**TABLES, "site": others}),
        {**TABLES, "site": []},
    ])  # fmt: skip

    def publish() -> None:
        tables = next(rounds, None)
        if tables:
            filling.shelf.put(tables["site_kind"][0]["period"], **tables)

    seen = list(pages(filling.client, f"{AIR}/items?limit=1", publish))
    assert filling.shelf.store.latest() == 4
    assert [(page["features"], page["numberMatched"], page["publication"]) for page in seen] == [
        (page["features"], 5, 1) for page in before
    ]
    assert numbers(filling.client, f"{AIR}/items?limit=1") == ["A0", "A2", "A25", "A9"], "and then the newest is shown"


def test_pages_of_a_publication_that_was_pruned_are_gone(filling: Layers) -> None:
    filling.shelf.put(**TABLES)
    following = linked(filling.client.page(f"{AIR}/items?limit=1"), "next") or ""
    filling.shelf.put("2026-10", **of_month("2026-10", TABLES))
    prune(filling.shelf.settings, 1)
    assert filling.client.get(following.removeprefix(filling.client.url)).status == 200, "it is still what holds"
    filling.shelf.put(**TABLES)
    prune(filling.shelf.settings, 1)
    answer = filling.client.get(following.removeprefix(filling.client.url))
    assert (answer.status, answer.code) == (410, "CH-EXT-003")
    assert answer.json["baseline"] == {"as_of": 3, "records": f"{filling.client.url}/ogc/collections"}


def test_a_cursor_is_good_for_its_own_request_only(layers: Layers) -> None:
    client = layers.client
    cursor = (linked(client.page(f"{AIR}/items?limit=1"), "next") or "").rpartition("cursor=")[2]
    assert client.get(f"{AIR}/items?limit=2&cursor={cursor}").status == 200, "the size of a page may change"
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = raw[:16] + raw[16:].replace(b'"publication":3', b'"publication":1')
    rows = client.page("/v1/datasets/site/records?limit=1")["next"]
    wrong = {
        "cut": f"{AIR}/items?cursor={cursor[:-4]}",
        "one bit": f"{AIR}/items?cursor={cursor[:30]}{'A' if cursor[30] != 'A' else 'B'}{cursor[31:]}",
        "another publication": f"{AIR}/items?cursor={base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}",
        "another installation": f"{AIR}/items?cursor={Cursors(b'x').make({'path': 'ogc', 'kind': 'air'}, ['A1'])}",
        "of rows": f"{AIR}/items?cursor={rows}",
        "another layer": f"/ogc/collections/lamp/items?cursor={cursor}",
        "another box": f"{AIR}/items?bbox=1,2,3,4&cursor={cursor}",
        "another time": f"{AIR}/items?datetime=2026-11-10&cursor={cursor}",
        "another unit": f"{AIR}/items?unit=juji&cursor={cursor}",
        "rows with it": f"/v1/datasets/site/records?cursor={cursor}",
    }
    assert forged != raw
    for kind, target in wrong.items():
        answer = client.get(target)
        assert (answer.status, answer.code) == (400, "CH-SERVE-008"), (kind, answer.body)
    narrow = layers.client_of("wulihe-cursor", units=("wulihe",))
    assert [item["id"] for item in narrow.page(f"{AIR}/items?cursor={cursor}")["features"]] == ["A3", "A4"]


def test_whoever_holds_the_answer_gets_none_again(layers: Layers) -> None:
    for target in (
        "/ogc/",
        "/ogc/conformance",
        "/ogc/collections",
        AIR,
        f"{AIR}/schema",
        f"{AIR}/items?limit=2",
        f"{AIR}/items/A1",
    ):
        first = layers.client.get(target)
        etag = first.headers["etag"]
        again = layers.client.get(target, if_none_match=f'"other", W/{etag}')
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag), target
        assert again.headers["cache-control"] == "private, no-cache"
        assert layers.client.get(target, if_none_match='"other"').body == first.body
    etag = layers.client.get(f"{AIR}/items").headers["etag"]
    assert layers.client.get(f"{AIR}/items", if_none_match=etag, accept="application/json").status == 200
    assert layers.client.get(f"{AIR}/items?limit=9", if_none_match=etag).status == 200
    assert layers.client_of("juji-etag", units=("juji",)).get(f"{AIR}/items", if_none_match=etag).status == 200
