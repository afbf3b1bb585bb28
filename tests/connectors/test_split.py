"""Cutting a body must mean the same as parsing it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.rest_split import dig, put, split_records

TEXT = st.one_of(
    st.text(max_size=8),
    st.sampled_from(['"data":[', "]", "],", '"}]', '\\"list\\":[', "[]", '],"data":[', "豫A·12345", "\u2028"]),
)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "list", "a", "]"]) | TEXT, inner, max_size=3)
    ),
    max_leaves=6,
)
ROW = st.dictionaries(st.sampled_from(["id", "data", "list", "值"]) | TEXT, VALUE, max_size=4)
ROWS = st.lists(ROW, max_size=6)
PATH = st.sampled_from(["", "data", "data.list", "list", "a.b.data"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str, list[Any]]:
    """A body with records at a path, other keys before and behind, any spacing and escaping."""
    path, rows = draw(PATH), draw(ROWS)
    value: Any = rows
    for key in reversed(path.split(".") if path else []):
        before = draw(st.dictionaries(TEXT, VALUE, max_size=2))
        after = draw(st.dictionaries(TEXT, VALUE, max_size=2))
        before.pop(key, None), after.pop(key, None)
        value = {**before, key: value, **after}
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    return text.encode("utf-8", "surrogatepass"), path, rows


@given(bodies())
def test_a_cut_means_what_parsing_means(made: tuple[bytes, str, list[Any]]) -> None:
    body, path, rows = made
    cut = split_records(body, path)
    if cut is None:
        return
    assert cut.head + cut.records + cut.tail == body
    assert json.loads(cut.records) == rows
    assert cut.count == len(rows)
    assert cut.envelope == put(json.loads(body), path, [])


@given(ROWS, st.sampled_from(["data", "data.list"]))
def test_ordinary_envelopes_are_always_cut(rows: list[Any], path: str) -> None:
    outer, _, inner = path.partition(".")
    envelope = {"code": "0", outer: {"total": 3, inner: rows} if inner else rows, "errors": [], "n": [1]}
    body = json.dumps(envelope, ensure_ascii=False).encode("utf-8", "surrogatepass")
    cut = split_records(body, path)
    assert cut is not None
    assert json.loads(cut.records) == rows


@given(st.binary(max_size=60) | TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_garbage_is_never_cut_wrongly(body: bytes) -> None:
    cut = split_records(body, "data")
    assert cut is None or json.loads(cut.records) == json.loads(body)["data"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"data":[{"a":1}],"errors":[]}', "data"),
        (b'{"data":[{"a":1}],"data":[{"a":2}]}', "data"),
        (b'{"data":[1],"x":{"data":[2]}}', "data"),
        (b'{"x":{"data":[2]},"data":[1]}', "data"),
        (b'{"data":{"data":[{"data":[1]}]}}', "data.data"),
        (b'\xef\xbb\xbf [ {"a":1} ] ', ""),
        (b'{"n":"\\"data\\":[9]","data" : [ {"a":"]"} ] }', "data"),
    ],
)
def test_awkward_envelopes(body: bytes, path: str) -> None:
    cut = split_records(body, path)
    assert cut is not None
    assert cut.head + cut.records + cut.tail == body
    assert json.loads(cut.records) == dig(json.loads(body), path)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"a":1}',
        b'{"data":[{"a":1},]}',
        b'{"data":[{"a":1}]} trailing',
        b'{"data":null}',
        b'{"other":[1]}',
        b'{"d\\u0061ta":[1]}',
        b"",
    ],
)
def test_what_cannot_be_proven_is_not_cut(body: bytes) -> None:
    assert split_records(body, "data") is None


def test_columns_come_from_several_rows() -> None:
    body = json.dumps([{"a": 1}, *[{"a": 2}] * 20, {"a": 3, "late": 1}]).encode()
    cut = split_records(body, "")
    assert cut is not None
    assert cut.columns == ("a", "late")
