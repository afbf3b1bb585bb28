"""What is handed over: published values that stay, whole folders or none, and schemas that are true of them."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from typer.testing import CliRunner

from cityhub.errors import HubError, Stop
from cityhub.settings import REPOSITORY, Settings
from cli.main import app
from indicators.definitions import Definition, read_all
from scoring.handover import formula, rows, schemas
from scoring.handover.check import check
from scoring.handover.contract import contract
from scoring.handover.write import hand_over
from tests.analysts import folders
from tests.analysts.conftest import DAYS, Town
from tests.scoring.county import MONTH

pytestmark = pytest.mark.xdist_group("analysts")


@pytest.fixture(scope="module")
def given(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("given") / "month"
    hand_over(town.county.settings, MONTH, target)
    return target


@pytest.fixture
def copied(town: Town, tmp_path: Path) -> Settings:
    """An installation of its own with a copy of the publication that may be changed."""
    home = tmp_path / "home"
    shutil.copytree(town.folder, home / "publications" / "000001")
    for path in home.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Settings(home, home / "feeds", str(home / "none" / "catalog.sqlite"), str(home / "none" / "data"))


def published(town: Town) -> list[dict[str, Any]]:
    """The values of the publication, as its Parquet file has them."""
    answer = duckdb.execute(f"SELECT * FROM read_parquet('{town.folder}/indicator_value.parquet')")
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def test_it_holds_the_published_values_with_their_parts_and_states(town: Town, given: Path) -> None:
    found = {
        (row["code"], row["unit_code"], row["period_kind"], row["period"]): row
        for row in folders.rows(given, "indicator_value")
    }
    wanted = published(town)
    assert len(found) == len(wanted) > 1000
    for row in wanted:
        other = found[row["code"], row["unit_code"], row["period_kind"], row["period"]]
        for name in ("numerator", "denominator", "value", "coverage"):
            text, number = other[name], row[name]
            assert (text is None) == (number is None)
            assert text is None or (Decimal(text) == Decimal(repr(number)) and "e" not in text.lower())
        assert (other["state"], other["reason"]) == (row["state"], row["reason"])
    states = {key[1]: row["state"] for key, row in found.items() if key[0] == "LGT-01" and key[1].startswith("road:")}
    assert states == {"road:R1": "ok", "road:R2": "no_denominator", "road:R3": "missing", "road:R4": "provisional"}
    assert found["LGT-01", "road:R3", "month", MONTH]["value"] is None


def test_units_are_named_with_league_and_things_with_their_kind(given: Path) -> None:
    units = {row["unit_code"]: row for row in folders.rows(given, "unit")}
    assert (units["jincheng"]["name_zh"], units["jincheng"]["league"]) == ("金城街道办事处", "territory")
    assert (units["road:R1"]["name_zh"], units["road:R1"]["unit_type"], units["road:R1"]["league"]) == (
        "R1",
        "road",
        None,
    )
    assert units["qixian"]["unit_type"] == "county"


def test_the_manifest_says_whose_and_what_it_is(town: Town, given: Path) -> None:
    head = folders.manifest(given)
    assert (head["contract"], head["version"]) == (contract().contract, contract().version)
    assert (head["source"], head["publication"], head["period"]) == ("publication", 1, MONTH)
    assert {item["path"]: item["rows"] for item in head["files"]}["indicator.parquet"] == len(read_all())


def test_a_day_is_that_day_alone(town: Town, tmp_path: Path) -> None:
    made = hand_over(town.county.settings, DAYS[1], tmp_path / "day", formats=["json"])
    assert {row["period"] for row in folders.rows(Path(made.folder), "indicator_value")} == {DAYS[1]}
    assert not list(Path(made.folder).glob("*.parquet"))


def test_json_files_keep_to_the_schemas_beside_them(given: Path) -> None:
    for name in ("indicator", "indicator_value", "unit", "manifest"):
        schema = json.loads((given / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        content = json.loads((given / f"{name}.json").read_text(encoding="utf-8"))
        assert list(validator.iter_errors(content)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": "missing", "reason": "not delivered"},
        {"state": "ok", "value": None},
        {"state": "provisional"},
        {"value": 12.5},
        {"code": None},
        {"n_valid": -1},
    ],
)
def test_the_schema_refuses_what_the_check_refuses(given: Path, change: dict[str, Any]) -> None:
    row = next(row for row in folders.rows(given, "indicator_value") if row["state"] == "ok")
    validator = jsonschema.Draft202012Validator(schemas.dataset("indicator_value"))
    assert list(validator.iter_errors([row])) == []
    assert list(validator.iter_errors([{**row, **change}]))


def test_the_same_again_changes_nothing_and_something_else_is_refused(town: Town, given: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in given.rglob("*")}
    assert hand_over(town.county.settings, MONTH, given).new is False
    for other in ({"formats": ["json"]}, {"working": True}):
        with pytest.raises(Stop) as refused:
            hand_over(town.county.settings, MONTH, given, **other)  # type: ignore[arg-type]
        assert refused.value.code == "CH-HAND-003"
    with pytest.raises(Stop) as refused:
        hand_over(town.county.settings, DAYS[0], given)
    assert refused.value.code == "CH-HAND-003"
    assert {path: path.stat().st_mtime_ns for path in given.rglob("*")} == before


def test_a_folder_that_somebody_changed_is_not_taken_for_the_same(town: Town, tmp_path: Path) -> None:
    hand_over(town.county.settings, DAYS[0], tmp_path / "day", formats=["json"])
    (tmp_path / "day" / "unit.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Stop) as refused:
        hand_over(town.county.settings, DAYS[0], tmp_path / "day", formats=["json"])
    assert refused.value.code == "CH-HAND-003"


def test_a_published_number_does_not_move_with_the_warehouse_and_working_ones_are_marked(
    town: Town, given: Path, tmp_path: Path
) -> None:
    county, where = town.county, "code = 'SAN-01' AND unit_code = 'juji' AND period_kind = 'month'"
    before = county.rows(f"SELECT value, numerator FROM indicator_value WHERE {where}")[0]
    county.run(f"UPDATE indicator_value SET value = value * 2, numerator = numerator * 2 WHERE {where}")
    try:
        again = hand_over(county.settings, MONTH, tmp_path / "again")
        working = hand_over(county.settings, MONTH, tmp_path / "working", working=True)
    finally:
        county.run(f"UPDATE indicator_value SET value = {before[0]}, numerator = {before[1]} WHERE {where}")
    assert again.content_sha256 == folders.manifest(given)["content_sha256"]
    assert working.content_sha256 != again.content_sha256
    head = folders.manifest(tmp_path / "working")
    assert (head["source"], head["publication"], head["status"]) == ("working", None, "working")
    assert check(tmp_path / "working") == []


def test_what_would_break_the_contract_is_not_handed_over_at_all(town: Town, tmp_path: Path) -> None:
    county, where = town.county, "code = 'SAN-01' AND unit_code = 'juji' AND period_kind = 'month'"
    before = county.rows(f"SELECT value FROM indicator_value WHERE {where}")[0][0]
    county.run(f"UPDATE indicator_value SET value = 1 WHERE {where}")
    try:
        with pytest.raises(Stop) as refused:
            hand_over(county.settings, MONTH, tmp_path / "out" / "month", working=True)
    finally:
        county.run(f"UPDATE indicator_value SET value = {before} WHERE {where}")
    assert refused.value.code == "CH-HAND-004" and "value" in str(refused.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_run_left_is_no_folder_and_goes_with_the_next_run(town: Town, tmp_path: Path) -> None:
    left = tmp_path / ".day.99999.partial"
    left.mkdir()
    (left / "indicator.json").write_text("[", encoding="utf-8")
    hand_over(town.county.settings, DAYS[0], tmp_path / "day", formats=["json"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day"]


def test_a_publication_that_was_changed_is_not_handed_over(copied: Settings, tmp_path: Path) -> None:
    assert hand_over(copied, MONTH, tmp_path / "fine", formats=["json"]).new
    path = copied.publications / "000001" / "indicator_value.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Stop) as refused:
        hand_over(copied, MONTH, tmp_path / "month")
    assert refused.value.code == "CH-PUB-004"


@pytest.mark.parametrize(
    ("period", "options", "code", "exit_code"),
    [
        ("2026-10", [], "CH-HAND-001", 1),
        (MONTH, ["--publication", "7"], "CH-HAND-001", 1),
        (f"{MONTH}-02", [], "CH-HAND-001", 1),
        ("november", [], "CH-HAND-002", 2),
        ("2026-11-31", [], "CH-HAND-002", 2),
        (MONTH, ["--format", "xlsx"], "CH-HAND-002", 2),
        (MONTH, ["--format", ""], "CH-HAND-002", 2),
        (MONTH, ["--working", "--publication", "1"], "CH-RUN-003", 2),
        ("check", [], "CH-RUN-003", 2),
        ("check", ["nowhere"], "CH-HAND-005", 1),
    ],
)
def test_what_cannot_be_handed_over_is_refused_with_its_code(
    copied: Settings, monkeypatch: pytest.MonkeyPatch, period: str, options: list[str], code: str, exit_code: int
) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(copied.home))
    told = CliRunner().invoke(app, ["handover", period, *options, "--json"])
    assert (told.exit_code, json.loads(told.stdout)["error"]["code"]) == (exit_code, code)
    assert not (copied.home / "handover").exists() or not list((copied.home / "handover").iterdir())


def test_the_command_makes_a_folder_below_home_and_says_what_is_in_it(
    copied: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(copied.home))
    told = CliRunner().invoke(app, ["handover", MONTH, "--format", "json"])
    assert told.exit_code == 0 and "publication 1, 89 indicator" in told.stdout
    assert check(copied.home / "handover" / f"{MONTH}-000001") == []


def old(con: duckdb.DuckDBPyConnection, item: Definition, value: float, sha256: str = "old") -> list[tuple[str, float]]:
    con.execute("CREATE OR REPLACE TABLE source_indicator (code VARCHAR, kind VARCHAR, definition_sha256 VARCHAR)")
    con.execute("INSERT INTO source_indicator VALUES (?, ?, ?)", [item.code, item.kind, sha256])
    con.execute(
        "CREATE OR REPLACE TABLE source_indicator_value "
        "(code VARCHAR, numerator DOUBLE, denominator DOUBLE, value DOUBLE)"
    )
    con.execute(
        "INSERT INTO source_indicator_value VALUES (?, 3, 4, ?), (?, NULL, NULL, NULL)", [item.code, value, item.code]
    )
    return rows._scales(con, [item])


def test_a_definition_that_changed_keeps_its_factor_only_where_the_values_fit_it() -> None:
    con, item = duckdb.connect(), read_all()["LGT-01"]
    assert old(con, item, 75.0) == [("LGT-01", 100.0)]
    assert old(con, item, 0.75) == []
    assert old(con, item, 0.75, item.sha256) == [("LGT-01", 100.0)]  # the check finds that, and nothing is handed over


@pytest.mark.parametrize(
    ("kind", "scale", "numerator", "denominator", "value"),
    [
        ("ratio_of_counts", "100", "3", "4", "75"),
        ("sum", "0.001", "2500", None, "2.5"),
        ("count", "1", "7", None, "7"),
        ("energy_mean", "1", "1000000", "10", "50"),
        ("energy_mean", "1", "0", "10", None),
        ("mean", "1", "7", "0", None),
        ("mean", "1", "7", None, None),
    ],
)
def test_a_value_is_made_of_its_parts_by_kind(
    kind: str, scale: str, numerator: str, denominator: str | None, value: str | None
) -> None:
    under = None if denominator is None else Decimal(denominator)
    assert formula.value(kind, Decimal(scale), Decimal(numerator), under) == (value and Decimal(value))


def test_the_page_names_every_column_state_and_code_of_the_contract() -> None:
    page = (REPOSITORY / "docs" / "handover.md").read_text(encoding="utf-8")
    for name, dataset in contract().datasets.items():
        assert f"`{name}`" in page
        for column, field in dataset.fields.items():
            assert f"`{column}`" in page, column
            for value in field.values:
                assert f"`{value}`" in page, value
    assert contract().version in page and contract().contract in page


def test_no_error_of_the_feed_is_without_words() -> None:
    for number in range(1, 6):
        assert "?" not in HubError(f"CH-HAND-00{number}", period="p", number=1, what="w", value="v", known="k",
                                   folder="f", count=1, problem="p").text()  # fmt: skip
