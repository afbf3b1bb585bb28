"""The definitions themselves: complete, within the portable subset, over columns that feeds bring."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from cityhub import settings
from cityhub.errors import Stop
from cityhub.spec.read import read_all as read_specs
from indicators import run, views
from indicators.definitions import HUB_TABLES, Definition, read_all, read_file
from indicators.period import of_day, of_month
from tests.indicators import city
from warehouse import migrate, tables

# The county's catalogue: how many indicators each platform has, numbered from 01 without a gap.
CATALOGUE = {
    "sanitation": ("SAN", 9), "lighting": ("LGT", 6), "dust": ("DST", 8), "municipal": ("MUN", 7),
    "landscaping": ("GRN", 6), "muck": ("MUK", 9), "gas": ("GAS", 6), "heat": ("HEA", 6), "water": ("WTR", 7),
    "incineration": ("INC", 7), "enforcement": ("ENF", 13), "hub": ("HUB", 5),
}  # fmt: skip


def test_the_catalogue_is_whole(definitions: dict[str, Definition]) -> None:
    expected = {
        f"{prefix}-{number:02d}": platform
        for platform, (prefix, count) in CATALOGUE.items()
        for number in range(1, count + 1)
    }
    assert len(expected) == 89
    assert {code: definition.platform for code, definition in definitions.items()} == expected


def test_every_definition_runs_over_the_tables_that_the_real_feeds_make(
    definitions: dict[str, Definition],
) -> None:
    specs = read_specs(settings.REPOSITORY / "feeds")
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'; ATTACH ':memory:' AS lake; USE lake")
    for name in ("001_core.sql", "011_derived.sql"):
        con.execute((migrate.FOLDER / name).read_text(encoding="utf-8"))
    for spec in specs.values():
        columns = ", ".join(f'"{name}" {kind}' for name, kind in tables.column_types(spec).items())
        con.execute(f'CREATE TABLE "{spec.table}" ({columns})')
    known = {spec.table for spec in specs.values()} | HUB_TABLES
    wanted = {name for item in definitions.values() for name in (*item.reads(), *item.derived)}
    assert views.create(con, wanted) == set()
    for definition in definitions.values():
        assert set(definition.reads()) <= known, definition.code
        for period in (of_day(city.DAY), of_month("2026-11", city.DAY)):
            for _, text in definition.statements():
                run.sums(con, definition, text, period)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("roll_up: sum", "roll_up: year", "CH-IND-001"),
        ("direction: higher", "direction: higher\n  colour: red", "CH-IND-001"),
        ("FROM san_route_task", "FROM san_weigh", "CH-IND-002"),
        ("direction: higher", "direction: higher\n  limits: {idle: {value: 1, source: me}}", "CH-IND-001"),
        ("direction: higher", "direction: higher\n  limits: {days: {value: 1, source: me}}", "CH-IND-001"),
        ("GROUP BY {unit}", "GROUP BY ALL", "CH-IND-002"),
    ],
)
def test_a_bad_definition_is_refused_with_its_place(tmp_path: Path, old: str, new: str, code: str) -> None:
    text = (settings.REPOSITORY / "indicators" / "sanitation.yaml").read_text(encoding="utf-8")
    path = tmp_path / "sanitation.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Stop) as caught:
        read_file(path)
    assert caught.value.code == code
    assert "SAN-0" in str(caught.value)


def test_a_code_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = (settings.REPOSITORY / "indicators" / "water.yaml").read_text(encoding="utf-8")
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(Stop, match="CH-IND-004"):
        read_all(tmp_path)
