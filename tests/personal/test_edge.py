"""At landing's edge: no planted personal value is stored anywhere, and what is stored loads as in clear."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cityhub.errors import Stop
from tests.load.kit import DAY, Hub
from tests.personal.planted import BAD_PHONE, FIELDS, FLAT, ID_CARD, KEY, NAME, PHONE, PLATE, found_in, land, spec
from warehouse.compile import define_macros
from warehouse.landing import Delivery, deliveries
from warehouse.load import load
from warehouse.personal.seal import hub_hash, hub_mask, hub_text

GOOD = {"id": "1", "tel": PHONE, "xm": NAME, "sfz": ID_CARD, "plate": PLATE, "kpa": "0.30"}
REFUSED = {"id": "2", "tel": BAD_PHONE, "xm": NAME, "sfz": ID_CARD, "plate": PLATE, "kpa": "1e3"}
WRONG = {"id": "3", "tel": PHONE, "xm": NAME, "sfz": ID_CARD, "plate": PLATE, "kpa": "fast"}
EMPTY = {"id": "4", "tel": "", "xm": "-", "sfz": "", "plate": "N/A", "kpa": "4"}
ROWS = [GOOD, REFUSED, WRONG, EMPTY]


def as_json(rows: list[dict[str, str]]) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode()


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows).encode()


def as_xml(rows: list[dict[str, str]]) -> bytes:
    inside = "".join(
        "<row id='{id}' tel='{tel}'><!-- {xm} --><xm>{xm}</xm><sfz><![CDATA[{sfz}]]></sfz><plate>{plate}</plate>"
        "<kpa>{kpa}</kpa></row>".format(**row)
        for row in rows
    )
    return f"<?xml version='1.0' encoding='gb18030'?><rows>{inside}</rows>".encode("gb18030")


def as_csv(encoding: str, delimiter: str) -> Callable[[list[dict[str, str]]], bytes]:
    def made(rows: list[dict[str, str]]) -> bytes:
        lines = [delimiter.join(rows[0])]
        lines += [delimiter.join(f'"{v}"' if k == "xm" else v for k, v in row.items()) for row in rows]
        return ("\r\n".join(lines) + "\r\n").encode(encoding)

    return made


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def as_workbook(rows: list[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([f"填表人 {NAME} {PHONE}"])
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([int(v) if k == "tel" and v else v for k, v in row.items()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FILES = {"kind": "files", "address": "/drop", "pattern": "*"}
CASES: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "json": (as_json, "json", {"kind": "rest", "address": "http://127.0.0.1"}),
    "ndjson": (as_lines, "ndjson", FILES | {"format": "ndjson"}),
    "xml": (as_xml, "xml", FILES | {"format": "xml", "record": "row"}),
    "csv": (as_csv("utf-8", ","), "csv", FILES | {"format": "csv"}),
    "csv gb18030 ;": (
        as_csv("gb18030", ";"), "csv", FILES | {"format": "csv", "encoding": "gb18030", "delimiter": ";"},
    ),
    "csv utf-16 tab": (
        as_csv("utf-16", "\t"), "csv", FILES | {"format": "csv", "encoding": "utf-16", "delimiter": "\t"},
    ),
    "parquet": (as_parquet, "parquet", {"kind": "database", "address": "sqlite:///x", "table": "t"}),
    "workbook": (as_workbook, "xlsx", FILES | {"format": "xlsx", "header_row": 2}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nothing_personal_is_stored_and_the_rows_are_those_of_a_load_in_clear(hub: Hub, case: str) -> None:
    made, form, source = CASES[case]
    feed, body = spec(source), made(ROWS)
    hub.prepare(feed)
    # As before there was an edge, in another feed's table: what the load makes of the bytes in clear.
    clear = spec(source, feed="case.clear", table="case_clear")
    hub.prepare(clear)
    with Delivery(hub.settings.landing, clear.feed, DAY) as before:
        before.add(body, form, request="test")
    assert before.manifest is not None
    expected = load(hub.settings, clear, before.manifest, con=hub.con)
    wanted = hub.rows("SELECT id, phone, caller, plate, kpa, _flags FROM case_clear ORDER BY id")
    refused = hub.rows("SELECT reason, field, value, natural_key, raw FROM quarantine ORDER BY ALL")

    hub.rows("DELETE FROM quarantine")
    shutil.rmtree(hub.settings.landing / "case.clear")
    manifest = land(hub.settings, feed, body, form, day=DAY)
    result = load(hub.settings, feed, manifest, con=hub.con)
    assert (result.landed, result.loaded, result.quarantined) == (4, 2, 2)
    assert (expected.landed, expected.loaded, expected.quarantined) == (4, 2, 2)
    assert hub.rows("SELECT id, phone, caller, plate, kpa, _flags FROM case_call ORDER BY id") == wanted
    assert hub.rows("SELECT reason, field, value, natural_key, raw FROM quarantine ORDER BY ALL") == refused
    assert hub.rows("SELECT phone, caller FROM case_call WHERE id = '1'") == [(hub_hash(KEY, PHONE), NAME[0] + "****")]
    assert found_in(hub.settings.home) == []
    assert manifest.protected == {"tel": "hash", "xm": "mask", "sfz": "drop", "plate": "hash"}
    assert KEY not in json.dumps(manifest.protected) + manifest.key and len(manifest.key) == 16


def test_the_same_delivery_again_makes_no_new_one_and_another_key_does(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = spec(CASES["json"][2])
    one = land(hub.settings, feed, as_json(ROWS), "json", day=DAY)
    assert land(hub.settings, feed, as_json(ROWS), "json", day=DAY).load_id == one.load_id
    assert one.parts[0].sha256 == hashlib.sha256(as_json(ROWS)).hexdigest(), "of the bytes as received"
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "another key")
    other = land(hub.settings, feed, as_json(ROWS), "json", day=DAY)
    assert other.load_id != one.load_id and other.key != one.key


def test_every_other_value_keeps_its_text(hub: Hub) -> None:
    feed = spec(CASES["json"][2], FIELDS)
    body = (
        '[{"id": 1.50, "tel": 13812345678, "kpa": 0.1000000000000000055511151231257827, "big":123456789012345678901,'
        ' "caller": {"name": "张\\u4e09", "x": 1e5}, "t":"a\\/b", "sfz": null, "plate": ""}]'
    )
    manifest = land(hub.settings, feed, body.encode(), "json", day=DAY)
    (part,) = manifest.parts
    stored = zstandard.ZstdDecompressor().decompress(manifest.path(part).read_bytes()).decode()
    for kept in ("1.50", "0.1000000000000000055511151231257827", "123456789012345678901", "1e5", r"a\/b"):
        assert kept in stored
    (row,) = json.loads(stored)
    assert row["tel"] == f"~hub:h::{hub_hash(KEY, PHONE)}" and row["caller"]["name"] == "~hub:m::张****"


@pytest.mark.parametrize("case", ["csv", "csv gb18030 ;"])
def test_a_malformed_line_is_a_reject_and_its_text_is_nowhere(hub: Hub, case: str) -> None:
    made, form, source = CASES[case]
    feed, sign = spec(source), source.get("delimiter", ",")
    hub.prepare(feed)
    lines = made([GOOD, WRONG]).decode(source.get("encoding", "utf-8")).splitlines()
    broken = [lines[0], f"7{sign}{PHONE}{sign}{NAME}", lines[1], f'8{sign}"{NAME}', lines[2], f"{PHONE}"]
    body = "\n".join(broken).encode(source.get("encoding", "utf-8"))
    result = load(hub.settings, feed, land(hub.settings, feed, body, form, day=DAY), con=hub.con)
    assert (result.landed, result.loaded, result.quarantined) == (5, 1, 4)
    assert hub.one("SELECT count(*) FROM quarantine WHERE reason = 'malformed_line'") == 3
    assert hub.one("SELECT count(DISTINCT raw) FROM quarantine WHERE reason = 'malformed_line'") == 3
    assert found_in(hub.settings.home) == []


def test_a_line_that_is_no_record_is_a_reject_and_its_text_is_nowhere(hub: Hub) -> None:
    feed = spec(CASES["ndjson"][2])
    hub.prepare(feed)
    body = as_lines([GOOD]) + f'{{"id": "9", "tel": "{PHONE}"\n{{"tel":"{PHONE}","tel":"1"}}\n"{NAME}"\n'.encode()
    result = load(hub.settings, feed, land(hub.settings, feed, body, "ndjson", day=DAY), con=hub.con)
    assert (result.landed, result.loaded, result.quarantined) == (4, 1, 3)
    assert found_in(hub.settings.home) == []


@pytest.mark.parametrize("case", [case for case in CASES if case != "xml"])
def test_a_renamed_personal_column_is_protected_and_is_right_once_the_spec_knows_it(hub: Hub, case: str) -> None:
    renamed = [{("phone_no" if k == "tel" else k): v for k, v in GOOD.items()} | {"note": f"call {PHONE}"}]
    made, form, source = CASES[case]
    manifest = land(hub.settings, spec(source), made(renamed), form, day=DAY)
    assert found_in(hub.settings.home) == []
    later = spec(source, FLAT | {"phone": FLAT["phone"] | {"from": "phone_no"}})
    hub.prepare(later)
    assert load(hub.settings, later, manifest, con=hub.con).loaded == 1
    assert hub.rows("SELECT phone FROM case_call") == [(hub_hash(KEY, PHONE),)]


def test_deliveries_are_made_at_the_edge_alone() -> None:
    """Whoever makes one without it would land personal fields in clear."""
    root = Path(__file__).parents[2]
    makers = [
        str(path.relative_to(root))
        for room in (
            "cityhub",
            "connectors",
            "sensors",
            "warehouse",
            "indicators",
            "scoring",
            "serving",
            "flow",
            "cli",
            "dags",
        )
        for path in sorted((root / room).rglob("*.py"))
        if re.search(r"from warehouse.landing import [^\n]*\bDelivery\b", text := path.read_text(encoding="utf-8"))
        and re.search(r"(?<![\w.])Delivery\(", text)
    ]
    assert makers == ["warehouse/personal/edge.py"]


def test_a_file_without_header_does_not_land(hub: Hub) -> None:
    feed = spec(CASES["csv"][2])
    with pytest.raises(Stop, match="CH-PERS-004") as caught:
        land(hub.settings, feed, f"1,{PHONE},{NAME},{ID_CARD},{PLATE},3\n".encode(), "csv", day=DAY)
    assert PHONE not in str(caught.value)
    assert deliveries(hub.settings.landing / feed.feed / DAY.isoformat()) == []
    assert found_in(hub.settings.home) == []


def test_a_body_that_cannot_be_taken_apart_does_not_land(hub: Hub) -> None:
    for case, body in (("json", f'[{{"tel": "{PHONE}"'), ("xml", f"<rows><row tel='{PHONE}'>"), ("workbook", PHONE)):
        _, form, source = CASES[case]
        with pytest.raises(Stop, match="CH-PERS-002") as caught:
            land(hub.settings, spec(source), body.encode(), form, day=DAY)
        assert PHONE not in str(caught.value)
    assert found_in(hub.settings.home) == []


def test_a_record_that_is_no_json_costs_no_other_record(hub: Hub) -> None:
    feed = spec(CASES["json"][2])
    hub.prepare(feed)
    strange = GOOD | {"id": "5", "xm": '张, [b] {c} " d'}
    body = as_json([GOOD, WRONG, strange]).replace(b'"fast"', b"NaN")
    result = load(hub.settings, feed, land(hub.settings, feed, body, "json", day=DAY), con=hub.con)
    assert (result.landed, result.loaded, result.quarantined) == (3, 2, 1)
    assert found_in(hub.settings.home) == []


TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_the_edge_hashes_and_masks_as_the_warehouse_does(texts: list[str]) -> None:
    con = _engine()
    found = con.execute(
        "SELECT hub_text(x), hub_hash(hub_text(x)), hub_mask(hub_text(x)) FROM (SELECT unnest($x::VARCHAR[]) AS x)",
        {"x": texts},
    ).fetchall()
    assert found == [(hub_text(x), hub_hash(KEY, hub_text(x)), hub_mask(hub_text(x))) for x in texts]


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    define_macros(con)
    con.execute("SET VARIABLE cityhub_personal_key = $k", {"k": KEY})
    return con
