"""The pages and the data package are what specs and definitions say, and somebody notices when they are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY, Settings
from cli.main import app
from flow.dictionary.lookup import entry
from flow.dictionary.pages import MADE
from flow.dictionary.whole import Whole, whole
from flow.dictionary.write import files, stale, write
from indicators import derived

DOCS = REPOSITORY / "docs" / "dictionary"
TYPES = {"string", "number", "integer", "boolean", "date", "datetime"}


def settings(home: Path, feeds: Path = REPOSITORY / "feeds") -> Settings:
    return Settings(home=home, feeds=feeds, catalog=str(home / "catalog.sqlite"), data=str(home / "data"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return whole(settings(tmp_path_factory.mktemp("home")))


def test_the_pages_in_docs_are_up_to_date(found: Whole) -> None:
    assert stale(found, DOCS) == [], "run `cityhub dictionary` and commit what it wrote"


def test_a_changed_spec_makes_its_pages_stale_until_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REPOSITORY / "feeds", tmp_path / "feeds")
    shutil.copytree(DOCS, tmp_path / "pages")
    (tmp_path / "pages" / "gone.md").write_text(MADE, encoding="utf-8")
    (tmp_path / "pages" / "notes.md").write_text("written by people", encoding="utf-8")
    spec = tmp_path / "feeds" / "gas.alarm.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("燃气泄漏报警", "泄漏报警"), encoding="utf-8")
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))

    told = CliRunner().invoke(app, ["dictionary", "--check", "--out", str(tmp_path / "pages"), "--json"])
    assert told.exit_code == 1
    assert [line.removeprefix(f"{tmp_path}/pages/") for line in json.loads(told.stdout)["stale"]] == [
        "index.md: out of date",
        "gas.md: out of date",
        "datapackage.json: out of date",
        "gone.md: describes nothing any more",
    ]
    done = CliRunner().invoke(app, ["dictionary", "--out", str(tmp_path / "pages")])
    assert done.exit_code == 0
    assert "泄漏报警" in (tmp_path / "pages" / "gas.md").read_text(encoding="utf-8")
    assert not (tmp_path / "pages" / "gone.md").exists()
    assert (tmp_path / "pages" / "notes.md").exists()
    changed = whole(settings(tmp_path / "home", tmp_path / "feeds"))
    assert stale(changed, tmp_path / "pages") == write(changed, tmp_path / "pages") == []


def test_every_table_column_and_indicator_stands_on_its_page(found: Whole) -> None:
    made = files(found)
    for table in (*found.tables, *found.published):
        page = made[f"{table.part}.md"]
        section = page.split(f'<a id="{table.name}"></a>')[1].split("\n## ")[0]
        for text in (table.title.zh, table.title.en, table.grain.zh, table.grain.en, *table.key):
            assert text in section
        for warning in table.warnings:
            assert warning.zh in section and warning.en in section
        rows = [line.split(" | ")[0] for line in section.splitlines()]
        assert [f"| `{column.name}`" for column in table.columns] == [row for row in rows if row.startswith("| `")]
    for item in found.definitions:
        section = made[f"{item.platform}-indicators.md"].split(f'<a id="{item.code.lower()}"></a>')[1].split("\n## ")[0]
        told = (item.title.zh, item.title.en, item.formula, item.unit, f"(`{item.kind}`)", *item.limits)
        for text in (*told, *(part.strip() for _, part in item.statements())):
            assert text in section, (item.code, text)
        for text in (item.source, item.confidence, item.note, *(limit.source for limit in item.limits.values())):
            assert " ".join(text.split()).replace("|", "\\|") in section
    assert len(found.definitions) == 89


def test_the_links_of_all_pages_lead_somewhere(found: Whole) -> None:
    made = files(found)
    for name, text in made.items():
        if not name.endswith(".md"):
            continue
        for part in text.split("](")[1:]:
            target, _, anchor = part.split(")")[0].partition("#")
            assert target in made, (name, target)
            assert not anchor or f'<a id="{anchor}"></a>' in made[target], (name, anchor)


def test_the_data_package_keeps_to_the_profile(found: Whole) -> None:
    package = json.loads(files(found)["datapackage.json"])
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    resources: dict[str, dict[str, Any]] = {item["name"]: item for item in package["resources"]}
    assert sorted(resources) == sorted(table.name for table in found.tables)
    for name, item in resources.items():
        assert (item["type"], item["path"], item["encoding"]) == ("table", f"{name}.csv", "utf-8")
        assert item["$schema"].endswith("/2.0/dataresource.json")
        fields = {field["name"]: field for field in item["schema"]["fields"]}
        assert len(fields) == len(item["schema"]["fields"])
        for field in fields.values():
            assert field["type"] in TYPES and field["title"] and field["description"]
            limits = field.get("constraints", {})
            assert limits.keys() <= {"required", "minimum", "maximum", "pattern", "enum"}
            assert not limits.keys() & {"minimum", "maximum"} or field["type"] in {"number", "integer"}
        assert set(item["schema"]["primaryKey"]) <= fields.keys()
        for key in item["schema"].get("foreignKeys", []):
            other = resources[key["reference"]["resource"]]
            assert set(key["fields"]) <= fields.keys()
            assert set(key["reference"]["fields"]) <= {field["name"] for field in other["schema"]["fields"]}
    speed = next(f for f in resources["mk_position"]["schema"]["fields"] if f["name"] == "speed_kmh")
    assert (speed["unit"], speed["type"]) == ("km/h", "number")


def test_derived_tables_have_the_key_of_their_definition(found: Whole) -> None:
    tables = {table.name: table for table in found.tables}
    for name, made in derived.read_all().items():
        assert tables[name].key == ("service_day", *made.key)


def test_one_entry_is_found_by_its_name_and_a_wrong_one_names_what_is_near(found: Whole) -> None:
    assert entry(found, "lgt-01").as_dict["code"] == "LGT-01"
    assert "主键 Key: `code`, `unit_code`, `period_kind`, `period`" in "\n".join(entry(found, "indicator_value").lines)
    said = entry(found, "indicator_value.value")
    assert said.lines[0] == "值 | The value in the indicator's unit."
    assert said.lines[-1].startswith("空值：缺数，不是零")
    with pytest.raises(Usage) as refused:
        entry(found, "lgt01")
    assert refused.value.code == "CH-DICT-001" and "LGT-01" in str(refused.value)
