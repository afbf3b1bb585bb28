"""What sources write and what the hub makes of it, value by value."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from cityhub.spec.fields import FieldSpec
from warehouse.compile import define_macros
from warehouse.compile_types import typed

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def con() -> Any:
    """An engine whose session zone is far away: no result may depend on it."""
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'America/New_York'")
    define_macros(engine)
    yield engine
    engine.close()


def value(con: duckdb.DuckDBPyConnection, text: str | None, decimal: str = ".", **field: Any) -> Any:
    """The stored value of a received text."""
    spec = FieldSpec.model_validate({"from": "x", **field})
    found = con.execute(f"SELECT {typed(spec, 's', decimal)} FROM (SELECT $x::VARCHAR AS s)", {"x": text}).fetchone()
    assert found is not None
    return found[0].astimezone(UTC) if isinstance(found[0], datetime) else found[0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20 08:00:00", "2026-11-20T00:00:00"),
        ("2026-11-20T08:00:00", "2026-11-20T00:00:00"),
        ("2026-11-20T08:00:00.250", "2026-11-20T00:00:00.250"),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00"),
        ("2026-11-20t08:00:00z", "2026-11-20T08:00:00"),
        ("2026-11-20 08:00:00 UTC", "2026-11-20T08:00:00"),
        ("2026-11-20T08:00:00+08:00", "2026-11-20T00:00:00"),
        ("2026-11-20 08:00:00+08", "2026-11-20T00:00:00"),
        ("2026-11-20T08:00:00.5-0330", "2026-11-20T11:30:00.500"),
        ("2026-11-20T08:00+0800", "2026-11-20T00:00:00"),
        ("2026-11-2 3:04:05Z", "2026-11-02T03:04:05"),
        ("2026/11/20 8:05", "2026-11-20T00:05:00"),
        ("2026年11月20日 8时30分", "2026-11-20T00:30:00"),
        ("2026年11月20日8时30分15秒", "2026-11-20T00:30:15"),
        ("２０２６－１１－２０　０８：００：００", "2026-11-20T00:00:00"),
        ("2026-11-20", "2026-11-19T16:00:00"),
        ("2026-11-20 24:00:00", "2026-11-20T16:00:00"),
        ("1988-07-01 12:00:00", "1988-07-01T03:00:00"),  # China had summer time then
        (" 2026-11-20 08:00:00\t", "2026-11-20T00:00:00"),
    ],
)
def test_iso_times_are_local_unless_they_say_otherwise(con: duckdb.DuckDBPyConnection, text: str, instant: str) -> None:
    assert value(con, text, type="timestamp") == at(instant)


@pytest.mark.parametrize(
    "text",
    ["infinity", "epoch", "now", "today", "0000-00-00 00:00:00", "2026-02-30 00:00:00", "2026-13-01", "20261120",
     "2026-11-20 08:00:60", "2026-11-20 25:00:00", "2026-11-20 08:00:00 Asia/Shanghai", "abc", "--", "", "1795132800"],
)  # fmt: skip
def test_what_is_no_iso_time(con: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(con, text, type="timestamp") is None


def test_zone_of_a_field_holds_for_naive_times_only(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "2026-07-20 08:00:00", type="timestamp", zone="UTC") == at("2026-07-20T08:00:00")
    assert value(con, "2026-07-20 08:00:00", type="timestamp", zone="Europe/Berlin") == at("2026-07-20T06:00:00")
    assert value(con, "2026-07-20 08:00:00+08", type="timestamp", zone="UTC") == at("2026-07-20T00:00:00")


@pytest.mark.parametrize(
    ("form", "text", "instant"),
    [
        ("epoch_s", "1795132800", "2026-11-20T00:00:00"),
        ("epoch_s", "1795132800.25", "2026-11-20T00:00:00.250"),
        ("epoch_s", "1795132800000", None),  # milliseconds
        ("epoch_s", "0", None),
        ("epoch_ms", "1795132800001", "2026-11-20T00:00:00.001"),
        ("epoch_ms", "1795132800", None),  # seconds
        ("compact", "20261120080000", "2026-11-20T00:00:00"),
        ("compact", "20261120080000125", "2026-11-20T00:00:00.125"),
        ("compact", "202611200800", "2026-11-20T00:00:00"),
        ("compact", "2026112008", "2026-11-20T00:00:00"),
        ("compact", "20261120", "2026-11-19T16:00:00"),
        ("compact", "20261320", None),
        ("compact", "2026-11-20", None),
        ("us", "11/20/2026 08:00:00 PM", "2026-11-20T12:00:00"),
        ("us", "1/2/2026 8:05 AM", "2026-01-02T00:05:00"),
        ("us", "11/20/2026 20:00", "2026-11-20T12:00:00"),
        ("us", "11/20/2026", "2026-11-19T16:00:00"),
        ("us", "20/11/2026", None),
        ("excel", "46346.5", "2026-11-20T04:00:00"),
        ("excel", "46346.3333333333", "2026-11-20T00:00:00"),
        ("excel", "2026-11-20 08:00:00", "2026-11-20T00:00:00"),
        ("excel", "-1", None),
    ],
)
def test_other_forms_of_time(con: duckdb.DuckDBPyConnection, form: str, text: str, instant: str | None) -> None:
    assert value(con, text, type="timestamp", format=form) == (at(instant) if instant else None)


def test_dates(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "2026-11-20", type="date") == date(2026, 11, 20)
    assert value(con, "2026年11月20日", type="date") == date(2026, 11, 20)
    assert value(con, "2026-11-20T23:30:00Z", type="date") == date(2026, 11, 21)  # the local day
    assert value(con, "20261120", type="date", format="compact") == date(2026, 11, 20)
    assert value(con, "46346", type="date", format="excel") == date(2026, 11, 20)
    assert value(con, "2026-02-30", type="date") is None


@pytest.mark.parametrize(
    ("text", "double", "integer"),
    [
        ("12", 12.0, 12), (" 12 ", 12.0, 12), ("１２", 12.0, 12), ("+5", 5.0, 5), ("－７", -7.0, -7),
        ("1e3", 1000.0, 1000), ("1000.0", 1000.0, 1000), ("１２．５", 12.5, None), ("1.5", 1.5, None),
        (".5", 0.5, None), ("12\r\n", 12.0, 12), ("9223372036854775807", 9.223372036854776e18, 9223372036854775807),
        ("9223372036854775808", 9.223372036854776e18, None),
        *[(text, None, None) for text in (
            "1_000", "nan", "inf", "1e400", "0x1F", "1,000", "-", "", "12abc", "85%", None,
        )],
    ],
)  # fmt: skip
def test_numbers(con: duckdb.DuckDBPyConnection, text: str | None, double: float | None, integer: int | None) -> None:
    assert value(con, text, type="double") == double
    assert value(con, text, type="integer") == integer


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.234,5", 1234.5), ("1234,5", 1234.5), ("1.500", 1500.0), ("-0,5", -0.5), ("１２，５", 12.5),
     ("1.5", None), ("12.34,5", None), ("1,2,3", None)],
)  # fmt: skip
def test_decimal_comma(con: duckdb.DuckDBPyConnection, text: str, number: float | None) -> None:
    assert value(con, text, ",", type="double") == number


def test_units_are_exact(con: duckdb.DuckDBPyConnection) -> None:
    kg = {"unit": "kg", "to": "t"}
    assert value(con, "12340.5", type="decimal", **kg) == Decimal("12.3405")
    assert value(con, "1234", type="double", **kg) == 1.234
    assert all(value(con, str(i), type="double", **kg) == i / 1000 for i in (1, 3, 7, 1001, 4711, 65537))
    assert value(con, "0.352", type="double", unit="MPa", to="kPa") == 352.0
    assert value(con, "113456789", type="double", unit="1e-6deg", to="deg") == 113.456789
    assert value(con, "15", type="decimal", unit="mu", to="m2") == Decimal("10000.0000")
    assert value(con, "1500", type="integer", unit="m", to="km") is None
    assert value(con, "2000", type="integer", unit="m", to="km") == 2
    assert value(con, "3", type="double", unit="kPa", to="kPa") == 3.0


def test_decimals_keep_their_digits(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "12345678901234.5678", type="decimal") == Decimal("12345678901234.5678")
    assert value(con, "99999999999999999999", type="decimal") is None
    assert value(con, "1_0", type="decimal") is None


def test_booleans(con: duckdb.DuckDBPyConnection) -> None:
    assert [value(con, text, type="boolean") for text in ("true", "TRUE", "1", "是", "Ｙ")] == [True] * 5
    assert [value(con, text, type="boolean") for text in ("false", "0", "否", " n ")] == [False] * 4
    assert [value(con, text, type="boolean") for text in ("2", "maybe", "")] == [None] * 3
    own = {"type": "boolean", "true": ["ON"], "false": ["OFF"]}
    assert (value(con, "on", **own), value(con, "off", **own), value(con, "1", **own)) == (True, False, None)


def test_text_is_narrowed_and_trimmed_but_stays_chinese(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "　ＡＢ１２（一期） ") == "AB12（一期）"
    assert value(con, "\ufeff\xa0X1\t") == "X1"
    assert [value(con, text) for text in ("", "  ", "--", "N/A", "ＮＡ")] == [None] * 5
    assert value(con, "0", missing=["0"]) is None
    assert value(con, "", missing=["x"]) == ""


def test_missing_tokens_that_look_like_values(con: duckdb.DuckDBPyConnection) -> None:
    assert value(con, "-9999", type="double", missing=["-9999", "--"]) is None
    assert value(con, "-9998", type="double", missing=["-9999", "--"]) == -9998.0
    assert value(con, "1900-01-01", type="date", missing=["1900-01-01"]) is None


def test_code_lists(con: duckdb.DuckDBPyConnection) -> None:
    codes = {"1": "sprinkler", "２": "sweeper", "洒水": "sprinkler"}
    assert value(con, " 1", codes=codes) == "sprinkler"
    assert value(con, "洒水", codes=codes) == "sprinkler"
    assert [value(con, text, codes=codes) for text in ("2", "２")] == ["sweeper", "sweeper"]
    assert value(con, "9", codes=codes) is None
    assert value(con, "9", codes=codes, unknown_code="keep") == "9"
    assert value(con, "high", type="integer", codes={"high": "3"}) == 3
