"""Made ready in one call; the second call writes nothing; one broken feed costs itself only."""

from __future__ import annotations

from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from tests.warehouse.made import FIELDS, snapshots, spec
from warehouse import lake, tables
from warehouse.prepare import prepare


def stand(settings: Settings) -> tuple[int, set[str]]:
    con = lake.connect(settings, read_only=True)
    rows = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    found = snapshots(con), {name for (name,) in rows}
    con.close()
    return found


def test_the_second_run_writes_nothing(settings: Settings) -> None:
    specs = read_all(REPOSITORY / "feeds")
    assert prepare(settings, specs) == {}
    before = stand(settings)
    assert before[1] == {each.table for each in specs.values()} | tables.core_tables()
    assert prepare(settings, list(specs.values())) == {}
    assert stand(settings) == before


def test_what_matters_to_tables_is_followed_and_nothing_else(settings: Settings) -> None:
    prepare(settings, [spec()])
    before, _ = stand(settings)
    prepare(settings, [spec(owner={"department": "d", "person": "p", "phone": "1"})])
    assert stand(settings)[0] == before
    prepare(settings, [spec(fields=FIELDS | {"power_w": {"from": "p"}})])
    assert stand(settings)[0] == before + 1
    con = lake.connect(settings, read_only=True)
    assert "power_w" in tables.stored_types(con, "city_lamp")
    con.close()


def test_a_feed_that_cannot_follow_leaves_the_others_ready(settings: Settings) -> None:
    prepare(settings, [spec()])
    retyped = spec(fields=FIELDS | {"count": {"from": "n", "type": "text"}})
    for _ in range(2):
        problems = prepare(settings, [retyped, spec("city.pole")])
        assert {feed: error.code for feed, error in problems.items()} == {"city.lamp": "CH-TABLE-002"}
    assert "city_pole" in stand(settings)[1]
    assert prepare(settings, [spec(), spec("city.pole")]) == {}
