"""A spec goes into a form and comes back as it was; comments of the YAML file survive, mistakes are told by cell."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec import edit
from cityhub.spec.book import SHEET
from cityhub.spec.book_file import put_form
from cityhub.spec.book_read import read
from cityhub.spec.book_write import workbook
from cityhub.spec.feed import FeedSpec
from tests.register.desk import Desk

SPECS = {path.stem: path for path in sorted((REPOSITORY / "feeds").glob("*.yaml"))}


def data_of(name: str) -> dict[str, Any]:
    return dict(edit.data_of(SPECS[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SPECS)
def test_every_spec_comes_back_as_it_went(name: str) -> None:
    data = data_of(name)
    back = read(workbook(data), "form.xlsx")
    assert FeedSpec.model_validate(back) == FeedSpec.model_validate(data)


@pytest.mark.parametrize("name", ["gas.pressure", "dust.reading", "assessment.special", "sanitation.weigh"])
def test_a_form_read_over_its_own_file_changes_no_byte(name: str, tmp_path: Path) -> None:
    path, form = tmp_path / f"{name}.yaml", tmp_path / "form.xlsx"
    text = SPECS[name].read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    form.write_bytes(workbook(data_of(name)))
    assert put_form(tmp_path, form, None) == (path, False)
    assert path.read_text(encoding="utf-8") == text


def changed(body: bytes, **cells: Any) -> bytes:
    """The form with the content of some keys (`__` for a dot) changed, as somebody in Excel would."""
    book = openpyxl.load_workbook(io.BytesIO(body))
    sheet = book[SHEET]
    at = {str(sheet.cell(row, 5).value): row for row in range(3, sheet.max_row + 1)}
    for key, value in cells.items():
        sheet.cell(at[key.replace("__", ".")], 3).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell_of(body: bytes, key: str) -> str:
    sheet = openpyxl.load_workbook(io.BytesIO(body))[SHEET]
    return next(f"C{row}" for row in range(3, sheet.max_row + 1) if sheet.cell(row, 5).value == key)


def test_only_what_was_changed_in_the_form_changes_in_the_file(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    path, form = settings.feeds / "gas.pressure.yaml", tmp_path / "form.xlsx"
    text = SPECS["gas.pressure"].read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    desk.run("feed", "to-workbook", "gas.pressure", str(form))
    form.write_bytes(changed(form.read_bytes(), owner__phone="0371-00000088", arrives__min_rows=120, active="否"))
    desk.run("feed", "from-workbook", str(form))
    after = path.read_text(encoding="utf-8")
    expected = text.replace("phone: 0371-00000003", 'phone: "0371-00000088"').replace(
        "min_rows: 100}", "min_rows: 120}"
    )
    lines = after.splitlines(keepends=True)
    assert "active: false\n" in lines
    assert "".join(line for line in lines if line != "active: false\n") == expected


def test_a_form_of_a_new_feed_becomes_a_draft(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    form = tmp_path / "form.xlsx"
    body = workbook({**data_of("gas.pressure"), "feed": "gas.other", "table": "gas_other"})
    form.write_bytes(body)
    desk.run("feed", "from-workbook", str(form))
    assert (settings.feeds / "drafts" / "gas.other.yaml").is_file()
    assert list(settings.feeds.glob("*.yaml")) == []


MISTAKES = {
    "arrives.min_rows": ("viele", "is no number"),
    "source.kind": ("datenbank", "source"),
    "arrives.expected_by": ("早上六点", "arrives.expected_by"),
    "identity.key": ("point_id", "[point_id]"),
    "identity.day_from": ("tss", "tss"),
    "active": ("vielleicht", "是"),
    "source.table": (None, "table"),
    "unit.codes": ("{a: ", "{a: b}"),
}


@pytest.mark.parametrize("key", MISTAKES)
def test_a_mistake_names_its_cell_and_what_to_type(key: str) -> None:
    value, said = MISTAKES[key]
    body = workbook(data_of("gas.pressure"))
    with pytest.raises(Usage) as refused:
        read(changed(body, **{key.replace(".", "__"): value}), "form.xlsx")
    assert refused.value.code == "CH-BOOK-002"
    problems: list[dict[str, str]] = refused.value.problems  # type: ignore[attr-defined]  # as the command prints them
    if value is not None and key not in {"identity.day_from", "source.kind"}:
        assert f"{SHEET}!{cell_of(body, key)}" in [item["cell"] for item in problems]
    assert all(item["cell"].startswith(f"{SHEET}!") for item in problems)
    assert any(said in item["problem"] for item in problems)


def test_what_is_no_form_says_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    out = io.BytesIO()
    book.save(out)
    for body in (b"no workbook", out.getvalue()):
        with pytest.raises(Usage) as refused:
            read(body, "form.xlsx")
        assert refused.value.code == "CH-BOOK-001"


def test_closed_words_have_drop_downs() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(data_of("gas.pressure"))))[SHEET]
    lists = {str(rule.formula1) for rule in sheet.data_validations.dataValidation}
    assert '"quarantine,null"' in lists
    assert any("wgs84" in words for words in lists)
    assert '"是,否"' in lists


texts = st.text(st.characters(codec="utf-8"), max_size=12)
filled_texts = texts.filter(bool)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
number = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6))
json_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
field = st.fixed_dictionaries(
    {"from": filled_texts},
    optional={
        "type": st.sampled_from(["text", "integer", "double", "decimal", "boolean"]),
        "title": texts,
        "description": texts,
        "required": st.booleans(),
        "codes": st.dictionaries(filled_texts, texts, max_size=3),
        "unknown_code": st.sampled_from(["quarantine", "keep", "null"]),
        "true": st.lists(texts, max_size=3),
        "min": number,
        "max": number,
        "pattern": texts,
        "missing": st.lists(texts, max_size=3),
        "if_bad": st.sampled_from(["quarantine", "null"]),
        "personal": st.sampled_from(["no", "hash", "mask", "drop"]),
    },
)
source = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("rest"), "address": texts},
        optional={
            "query": st.dictionaries(filled_texts, texts, max_size=2),
            "auth": st.fixed_dictionaries({"kind": st.just("bearer"), "token": names}, optional={"prefix": texts}),
            "paging": st.fixed_dictionaries(
                {"kind": st.just("cursor"), "cursor_at": filled_texts},
                optional={"size_param": st.one_of(st.none(), texts), "more": st.lists(filled_texts, min_size=1)},
            ),
            "error_when": st.fixed_dictionaries(
                {"at": filled_texts, "ok": st.one_of(texts, st.integers(), st.booleans())}
            ),
            "timeout_s": st.floats(0.5, 100),
        },
    ),
    st.fixed_dictionaries(
        {"kind": st.just("files"), "address": texts, "pattern": texts},
        optional={"delimiter": filled_texts, "decimal": st.sampled_from([".", ","]), "header_row": st.integers(1, 9)},
    ),
    st.fixed_dictionaries({"kind": st.just("mqtt"), "address": texts, "topic": texts, "qos": st.sampled_from([1, 2])}),
)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(st.dictionaries(names, field, min_size=1, max_size=3))
    fields = {name: entry | {"from": entry["from"] + name} for name, entry in found.items()}  # no source is read twice
    return {
        "feed": "muck.trial",
        "title": {"zh": draw(texts), "en": draw(texts)},
        "platform": "muck",
        "table": "mk_trial",
        "description": draw(filled_texts),
        "active": draw(st.booleans()),
        "owner": {"department": draw(texts), "person": draw(texts), "phone": draw(texts)},
        "source": draw(source),
        "identity": {"key": [next(iter(fields))]},
        "fields": fields,
        "checks": [{"check": "sql", "sql": draw(texts), "mostly": 0.5}] if draw(st.booleans()) else [],
        "examples": draw(
            st.lists(st.fixed_dictionaries({"given": st.dictionaries(texts, json_values, max_size=3)}), max_size=2)
        ),
    }


@settings(max_examples=30, deadline=None)
@given(specs())
def test_any_spec_comes_back_as_it_went(data: dict[str, Any]) -> None:
    spec = FeedSpec.model_validate(data)
    back = read(workbook(data), "form.xlsx")
    assert FeedSpec.model_validate(back) == spec
    dumped = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert FeedSpec.model_validate(read(workbook(dumped), "form.xlsx")) == spec
