"""Every format a source may send, what becomes of bodies that are broken, and columns that come and go."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from tests.load.kit import DAY, Hub, feed
from warehouse.landing import Delivery

NUMBER = {"n": {"from": "n", "type": "double"}}


def options(**values: str | int) -> Callable[[Delivery], None]:
    def put(delivery: Delivery) -> None:
        delivery.options.update(values)

    return put


def files(form: str, **source: Any) -> dict[str, Any]:
    return {"source": {"kind": "files", "address": "/none", "pattern": "*", "format": form, **source}}


def test_nested_sources_and_texts_as_they_came(hub: Hub) -> None:
    spec = feed(
        {
            "deep": {"from": "a.b.c"},
            "list": {"from": "a.l"},
            "big": {"from": "big"},
            "flag": {"from": "f", "type": "boolean"},
        }
    )
    hub.prepare(spec)
    row = {"id": "1", "a": {"b": {"c": "x"}, "l": [1, 2]}, "big": 12345678901234567890, "f": True}
    hub.load(spec, [row, {"id": "2", "a": None}])
    assert hub.rows("SELECT id, deep, list, big, flag FROM mk_trial ORDER BY id") == [
        ("1", "x", "[1,2]", "12345678901234567890", True), ("2", None, None, None, None),
    ]  # fmt: skip


def test_keys_that_differ_by_case_alone(hub: Hub) -> None:
    spec = feed({"low": {"from": "k"}, "high": {"from": "K"}})
    hub.prepare(spec)
    hub.load(spec, [{"id": "1", "k": "a", "K": "b"}])
    assert hub.rows("SELECT low, high FROM mk_trial") == [("a", "b")]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id":"1"},{"id":"2"',
        b'[{"id":"1"},{"id":"2"}',
        b"<html>please log in</html>",
        b'{"id":"1"}',
        b'[{"id":"1"}]]',
        b'[{"id":"1"}],{"id":"2"}]',
    ],
)
def test_a_broken_part_is_named_and_nothing_is_loaded(hub: Hub, body: bytes) -> None:
    spec, other = feed({}), feed({}, feed="muck.other", table="mk_other")
    hub.prepare(spec, other)
    with pytest.raises(Stop, match="CH-LOAD-001") as caught:
        hub.load(spec, [{"id": "0"}], body, [{"id": "9"}])
    assert caught.value.place["part"] == "000002.json.zst"
    assert "log in" not in str(caught.value) and "杞县" not in str(caught.value)
    assert hub.one("SELECT count(*) FROM mk_trial") == 0
    assert hub.load(other, [{"id": "0"}]).inserted == 1


def test_a_part_that_landing_lost(hub: Hub) -> None:
    spec = feed({})
    hub.prepare(spec)
    manifest = hub.land(spec, [{"id": "1"}])
    manifest.path(manifest.parts[0]).unlink()
    from warehouse.load import load

    with pytest.raises(Stop, match="CH-LOAD-003"):
        load(hub.settings, spec, manifest, con=hub.con)


def test_a_damaged_file_on_disk(hub: Hub) -> None:
    spec = feed({})
    hub.prepare(spec)
    manifest = hub.land(spec, [{"id": str(i)} for i in range(2000)])
    path = manifest.path(manifest.parts[0])
    path.write_bytes(path.read_bytes()[:-40])
    from warehouse.load import load

    with pytest.raises(Stop, match="CH-LOAD-001"):
        load(hub.settings, spec, manifest, con=hub.con)


def test_one_bad_line_of_ndjson_costs_itself_only(hub: Hub) -> None:
    spec = feed(NUMBER)
    hub.prepare(spec)
    body = b'{"id":"1","n":1}\n\nnot json\n{"id":"2","n":2}\n5\n{"id":"3","id":"4"}\n{"id":"5","n":5}'
    result = hub.load(spec, body, form="ndjson")
    assert (result.landed, result.inserted, result.quarantined) == (6, 3, 3)
    assert hub.rows("SELECT reason, place FROM quarantine ORDER BY place") == [
        ("not_json", f"000001.ndjson.zst:line {line}") for line in (3, 5, 6)
    ]


def test_one_bad_element_of_an_array_costs_itself_only(hub: Hub) -> None:
    spec = feed(NUMBER)
    hub.prepare(spec)
    body = (
        b'[{"id":"1","n":1}, 5,\n {"id":"2",\n "n":2}, {"id":"3, ]}","id":"4"}, {"id":"\\"5]", "n":5}, tru, {"n":"x"}]'
    )
    result = hub.load(spec, body, form="json")
    assert (result.landed, result.inserted, result.quarantined) == (7, 3, 4)
    assert hub.rows("SELECT place, reason FROM quarantine ORDER BY place") == [
        ("000001.json.zst:2", "not_json"),
        ("000001.json.zst:4", "not_json"),
        ("000001.json.zst:6", "not_json"),
        ("000001.json.zst:7", "missing_required"),
    ]


@pytest.mark.parametrize("element", [b'{"id":"1","id":"2"}', '{"id":"杞县"}'.encode("gb18030"), b"5"])
def test_an_element_that_is_no_record_waits_and_the_other_parts_are_loaded(hub: Hub, element: bytes) -> None:
    spec = feed({})
    hub.prepare(spec)
    result = hub.load(spec, [{"id": "0"}], b'[{"id":"1"},' + element + b"]", [{"id": "9"}])
    assert (result.landed, result.inserted, result.quarantined) == (4, 3, 1)
    assert hub.rows("SELECT place, reason FROM quarantine") == [("000002.json.zst:2", "not_json")]


def test_csv_as_chinese_offices_write_it(hub: Hub) -> None:
    spec = feed(
        {
            "name": {"from": "道路名称"},
            "area": {"from": "总面积", "type": "double"},
            "day": {"from": "日期", "type": "date"},
        },
        **files("csv", encoding="gb18030", delimiter=";", decimal=",", header_row=2),
    )
    spec = spec.model_copy(
        update={"fields": {**spec.fields, "id": spec.fields["id"].model_copy(update={"source": "编号"})}}
    )
    hub.prepare(spec)
    lines = [
        "\ufeff道路一览（二〇二六年）;;;",
        "编号;道路名称;总面积;日期",
        "Ｒ００１;金城大道（一期）;１．２３４，５;２０２６年１１月２０日",
        'R002;"建设路;东段";1 234,5;2026-11-20',
        "R003;少一列",
        "R004;多一列;1;2026-11-20;x",
        "R005;坏数;1.5;2026-11-20",
    ]
    result = hub.load(spec, "\r\n".join(lines).encode("gb18030"), form="csv")
    assert (result.landed, result.inserted, result.quarantined) == (5, 2, 3)
    assert hub.rows("SELECT id, name, area, day FROM mk_trial ORDER BY id") == [
        ("R001", "金城大道（一期）", 1234.5, DAY), ("R002", "建设路;东段", 1234.5, DAY),
    ]  # fmt: skip
    assert hub.rows("SELECT reason, count(*) FROM quarantine GROUP BY 1 ORDER BY 1") == [
        ("malformed_line", 2), ("not_a_number", 1),
    ]  # fmt: skip
    raws = [json.loads(raw) for (raw,) in hub.rows("SELECT raw FROM quarantine WHERE reason = 'malformed_line'")]
    assert {raw["line"].split(";")[0] for raw in raws} == {"R003", "R004"}


def test_columns_of_files_in_any_order_and_marks_of_any_kind(hub: Hub) -> None:
    spec = feed(NUMBER, **files("csv"))
    hub.prepare(spec)
    parts = [
        "id,n,more\n1,1,x\n".encode("utf-8-sig"),
        "n,id\n2,2\n".encode("utf-16"),
        b"id,n\n",
        b"",
        b'"n","id"\n3,"3"\n4,"a ""quoted"" name\nof two lines"\n',
    ]
    result = hub.load(spec, *parts, form="csv")
    assert (result.landed, result.inserted) == (4, 4)
    found = hub.rows("SELECT id, n FROM mk_trial ORDER BY n")
    assert found == [("1", 1.0), ("2", 2.0), ("3", 3.0), ('a "quoted" name\nof two lines', 4.0)]
    assert hub.one("SELECT findings FROM delivery") == "column_added:more"


def test_lines_that_are_no_rows_are_withheld_where_they_may_hold_persons(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "k" * 20)
    spec = feed({"phone": {"from": "tel", "personal": "hash"}}, **files("csv"))
    hub.prepare(spec)
    assert hub.load(spec, b"id,tel\n1,13812345678,x\n2,1\n", form="csv").quarantined == 1
    ((raw,),) = hub.rows("SELECT raw FROM quarantine")
    assert "13812345678" not in raw and "withheld" in raw


@pytest.mark.parametrize(("declared", "at"), [("utf-8", 8), ("ascii", 8)])
def test_a_file_in_another_encoding_than_declared(hub: Hub, declared: str, at: int) -> None:
    spec = feed(NUMBER, **files("csv", encoding=declared))
    hub.prepare(spec)
    with pytest.raises(Stop, match="CH-LOAD-002") as caught:
        hub.load(spec, "id,n\n杞县,1\n".encode("gb18030").replace(b"id,n\n", b"id,n\n   "), form="csv")
    assert caught.value.place["byte"] == at


def test_xml_records_wherever_they_stand(hub: Hub) -> None:
    spec = feed(
        {"n": {"from": "n", "type": "double"}, "kind": {"from": "kind"}, "deep": {"from": "box.inner"}},
        source={"kind": "rest", "address": "http://x", "format": "xml", "records_at": "row"},
    )
    hub.prepare(spec)
    body = (
        '<?xml version="1.0" encoding="GB18030"?><response xmlns="urn:x"><total>3</total><rows>'
        '<row kind="井盖"><id>1</id><n>1.5</n><box><inner>x</inner></box></row><!-- note -->'
        "<row><id>2</id><n/></row><row><id>3</id><n>?</n><new>1</new></row></rows></response>"
    ).encode("gb18030")
    result = hub.load(spec, body, form="xml")
    assert (result.landed, result.inserted, result.quarantined) == (3, 2, 1)
    assert hub.rows("SELECT id, n, kind, deep FROM mk_trial ORDER BY id") == [
        ("1", 1.5, "井盖", "x"), ("2", None, None, None),
    ]  # fmt: skip
    assert hub.one("SELECT findings FROM delivery") == "column_added:new"
    with pytest.raises(Stop, match="CH-LOAD-001"):
        hub.load(spec, body[:-30], form="xml")


def test_xml_reads_no_file_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    spec = feed({"n": {"from": "n"}}, **files("xml", record="row"))
    hub.prepare(spec)
    body = f'<!DOCTYPE r [<!ENTITY e SYSTEM "file://{secret}">]><r><row><id>1</id><n>&e;</n></row></r>'.encode()
    hub.load(spec, body, form="xml")
    assert "top secret" not in str(hub.rows("SELECT * FROM mk_trial"))


def workbook(rows: list[list[Any]], *merged: str, sheet: str = "打分") -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    for area in merged:
        page.merge_cells(area)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_workbook_with_title_and_merged_cells(hub: Hub) -> None:
    spec = feed(
        {"street": {"from": "街道"}, "score": {"from": "得分", "type": "decimal"}},
        **files("xlsx", sheet="打分", header_row=2),
    )
    spec = spec.model_copy(
        update={"fields": {**spec.fields, "id": spec.fields["id"].model_copy(update={"source": "编号"})}}
    )
    hub.prepare(spec)
    rows = [
        ["十一月打分", None, None],
        ["街道", "编号", "得分"],
        ["金城", 1, 95.5],
        [None, 2, 80],
        [None, None, None],
        ["城郊", 3, "缺"],
    ]
    result = hub.load(spec, workbook(rows, "A1:C1", "A3:A4"), form="xlsx")
    assert (result.landed, result.inserted, result.quarantined) == (3, 2, 1)
    assert [(i, s, str(n)) for i, s, n in hub.rows("SELECT id, street, score FROM mk_trial ORDER BY id")] == [
        ("1", "金城", "95.5000"), ("2", "金城", "80.0000"),
    ]  # fmt: skip
    assert hub.one("SELECT place FROM quarantine") == "000001.xlsx:打分!6"
    with pytest.raises(Stop, match="CH-LOAD-006"):
        hub.load(spec, workbook(rows, sheet="别的"), form="xlsx")
    with pytest.raises(Stop, match="CH-LOAD-001"):
        hub.load(spec, b"no workbook", form="xlsx")


def test_workbook_columns_become_rows(hub: Hub) -> None:
    spec = feed(
        {"item": {"from": "item"}, "score": {"from": "value", "type": "integer", "max": 100}},
        identity={"key": ["id", "item"]},
        source={"kind": "workbook", "address": "/none", "pattern": "*", "sheet": "打分", "melt": ["id"]},
    )
    hub.prepare(spec)
    result = hub.load(spec, workbook([["id", "道路", "绿化"], ["A", 90, 101], ["B", None, 70]]), form="xlsx")
    assert (result.landed, result.inserted, result.quarantined) == (3, 2, 1)
    assert hub.rows("SELECT id, item, score FROM mk_trial ORDER BY ALL") == [("A", "道路", 90), ("B", "绿化", 70)]
    assert hub.one("SELECT place FROM quarantine") == "000001.xlsx:打分!C2"


def test_parquet_of_the_database_path(hub: Hub) -> None:
    spec = feed(
        {
            "seen": {"from": "at", "type": "timestamp"},
            "n": {"from": "n", "type": "decimal"},
            "b": {"from": "b", "type": "boolean"},
        }
    )
    hub.prepare(spec)
    import datetime as dt
    from decimal import Decimal

    columns = {
        "ID": ["1", "2"],
        "at": [dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC), None],
        "n": [Decimal("12.3450"), None],
        "b": [True, False],
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    naive = io.BytesIO()
    pq.write_table(pa.table({"id": ["3"], "at": [dt.datetime(2026, 11, 20, 8)]}), naive)  # noqa: DTZ001  # as a driver gives it
    assert hub.load(spec, out.getvalue(), naive.getvalue(), form="parquet").inserted == 3
    found = hub.rows("SELECT id, epoch(seen)::BIGINT, n::VARCHAR, b FROM mk_trial ORDER BY id")
    assert found == [("1", 1795161600, "12.3450", True), ("2", None, None, False), ("3", 1795132800, None, None)]


def spec_with(source: str) -> FeedSpec:
    return feed({"vehicle": {"from": source, "required": True}, "n": {"from": "n", "type": "double"}})


def test_added_and_missing_columns_are_findings(hub: Hub) -> None:
    spec = spec_with("vehId")
    hub.prepare(spec)
    columns = ("id", "vehId", "extra")
    assert hub.load(spec, [{"id": "1", "vehId": "V", "extra": 1}], columns=columns).inserted == 1
    assert hub.one("SELECT findings FROM delivery") == "column_added:extra; column_missing:n"


def test_a_column_that_only_the_first_record_lacks_is_not_missing(hub: Hub) -> None:
    spec = spec_with("vehId")
    hub.prepare(spec)
    hub.load(spec, [{"id": "1", "vehId": "V"}, {"id": "2", "vehId": "V", "n": 1}])
    assert hub.one("SELECT findings FROM delivery") is None


@pytest.mark.parametrize("known", [True, False])
def test_a_renamed_required_column_stops_the_feed_and_says_the_likely_name(hub: Hub, known: bool) -> None:
    spec = spec_with("vehicleId")
    hub.prepare(spec)
    columns = ("id", "vehicle_id", "speed", "n") if known else ()
    with pytest.raises(Stop, match="CH-LOAD-004") as caught:
        hub.load(spec, [{"id": "1", "vehicle_id": "V", "speed": 3, "n": 1}], columns=columns)
    assert caught.value.place["likely"] == "vehicle_id"
    assert re.search(r"from: vehicle_id", str(caught.value))
    assert hub.one("SELECT count(*) FROM quarantine") == 0


def test_a_refused_row_has_its_place_although_its_unit_is_looked_up(hub: Hub) -> None:
    parent = feed(
        {"unit": {"from": "u"}}, feed="muck.site", table="mk_site_trial", unit={"by": "code", "field": "unit"}
    )
    child = feed(
        {"site": {"from": "s"}, "v": {"from": "v", "type": "integer"}},
        unit={"by": "lookup", "field": "site", "table": "mk_site_trial", "key": "id"},
    )
    hub.prepare(parent, child)
    hub.load(parent, [{"id": f"S{number}", "u": "jincheng"} for number in range(20_000)])
    rows = [{"id": str(number), "s": f"S{number * 7}", "v": "x" if number % 9 == 4 else "1"} for number in range(900)]
    hub.load(child, rows)
    places = dict(hub.rows("SELECT natural_key, place FROM quarantine"))
    assert len(places) == 100
    assert {key: int(place.rpartition(":")[2]) for key, place in places.items()} == {
        str(number): number + 1 for number in range(900) if number % 9 == 4
    }
