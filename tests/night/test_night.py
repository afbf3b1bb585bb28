"""The night end to end: real DAGs, eleven platforms, ranking. One hub for the whole file."""

import json

import pytest

from tests.night.hub import DAY

pytestmark = pytest.mark.xdist_group("night")
MONTH = DAY[:7]


def test_every_feed_is_loaded_and_counts_add_up(first_night):
    hub, _ = first_night
    rows = hub.sql(f"SELECT * FROM delivery WHERE service_day = '{DAY}'")
    assert len(rows) >= 25
    for row in rows:
        assert row["landed"] == row["loaded"] + row["duplicate"] + row["quarantined"], row["feed"]
        assert row["state"] in {"checked", "published", "empty_confirmed"}, (
            row["feed"],
            row["state"],
            row["error"],
        )
    assert len({row["platform"] for row in rows}) >= 12


def test_the_demo_is_about_two_hundred_thousand_records(first_night):
    hub, _ = first_night
    ((landed, quarantined, duplicate),) = hub.rows("SELECT sum(landed), sum(quarantined), sum(duplicate) FROM delivery")
    assert 120_000 < int(landed) < 300_000
    assert int(quarantined) > 0
    assert int(duplicate) > 0


def test_at_least_45_indicators_three_per_platform_by_unit_and_county(first_night):
    hub, _ = first_night
    rows = hub.rows("SELECT platform, count(*) FROM indicator GROUP BY platform")
    assert sum(count for _, count in rows) >= 45
    assert all(count >= 3 for _, count in rows), rows
    values = hub.sql(f"SELECT * FROM indicator_value WHERE period IN ('{DAY}', '{MONTH}')")
    codes = {row["code"] for row in values if row["value"] is not None}
    assert len(codes) >= 45, sorted({row["code"] for row in values} - codes)
    assert {row["period_kind"] for row in values} >= {"day", "month"}
    for row in values:
        assert (row["value"] is None) == (row["state"] in {"missing", "no_denominator"}), row


def test_ranking_of_both_leagues(first_night):
    hub, told = first_night
    rows = hub.sql("SELECT * FROM ranking ORDER BY league, rank")
    leagues = {row["league"] for row in rows}
    assert leagues == {"territory", "department"}
    territories = [row for row in rows if row["league"] == "territory"]
    assert len(territories) == 4
    assert [row["rank"] for row in territories] == sorted(row["rank"] for row in territories)
    assert told["ranking"], "the night tells the ranking"


def test_score_is_the_weighted_sum_that_the_document_names(first_night):
    from decimal import Decimal

    hub, _ = first_night
    weights = {
        "digital": "0.50",
        "specials": "0.40",
        "peace": "0.02",
        "civil": "0.04",
        "cgb": "0.02",
        "garden": "0.02",
    }
    for row in hub.sql("SELECT unit_code, score FROM ranking WHERE score IS NOT NULL"):
        parts = hub.sql(f"SELECT component, value, points FROM score WHERE unit_code = '{row['unit_code']}'")
        known = {part["component"]: part for part in parts}
        weighted = sum(Decimal(known[name]["value"]) * Decimal(weight) for name, weight in weights.items())
        events = sum((Decimal(part["points"]) for part in parts if part["component"].startswith("event")), Decimal(0))
        assert abs(weighted + events - Decimal(row["score"])) < Decimal("1e-12"), row["unit_code"]


def test_explain_names_every_component_and_its_clause(first_night):
    hub, _ = first_night
    done = hub.run("score", "explain", "金城街道办事处", MONTH)
    assert done.returncode == 0, done.stderr
    for word in ("数字", "专项", "QA", "50"):
        assert word in done.stdout


def test_a_second_night_adds_nothing(first_night):
    hub, _ = first_night
    counts, ranking = hub.counts(), hub.sql("SELECT * FROM ranking ORDER BY league, unit_code")
    done = hub.run("nightly", "--day", DAY, "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert hub.counts() == counts
    assert hub.sql("SELECT * FROM ranking ORDER BY league, unit_code") == ranking


def test_the_publication_verifies_and_is_readable_on_its_own(first_night):
    import duckdb

    hub, _ = first_night
    assert hub.run("publish", "verify").returncode == 0
    with duckdb.connect(str(hub.home / "publications" / "current" / "views.duckdb"), read_only=True) as con:
        ranks = con.execute("SELECT unit_code, rank FROM ranking ORDER BY 1").fetchall()
    assert ranks == hub.rows("SELECT unit_code, rank FROM ranking ORDER BY 1")


def test_the_publication_has_a_signed_extract_with_rows_in_every_dataset(first_night):
    hub, _ = first_night
    done = hub.run("extract", "show", "--json")
    assert done.returncode == 0, done.stdout[-2000:]
    shown = json.loads(done.stdout)
    newest = json.loads(hub.run("publish", "list", "--json").stdout)[0]
    assert (shown["sequence"], shown["publication_sha256"]) == (newest["number"], newest["sha256"])
    rows = {file["dataset"]: file["rows"] for file in shown["files"]}
    assert {name for name, count in rows.items() if not count} <= {"event"}, rows


def test_no_secret_of_the_sandbox_stands_anywhere_in_the_hub(first_night):
    hub, _ = first_night
    values = [
        path.read_text().strip()
        for path in (hub.home / "sandbox" / "secrets").iterdir()
        if not path.name.endswith(("_url", "_dir", "_user"))
    ]
    assert values
    for path in hub.home.rglob("*"):
        if not path.is_file() or "sandbox" in path.relative_to(hub.home).parts or path.suffix in {".parquet", ".zst"}:
            continue
        content = path.read_bytes()
        for value in values:
            assert value.encode() not in content, path


def test_status_is_quiet_after_a_good_night(first_night):
    hub, _ = first_night
    done = hub.run("status", "--day", DAY)
    assert done.returncode == 0, done.stdout
    assert hub.json("status", "--day", DAY)["actions"] == []


def test_every_object_of_the_warehouse_is_described(first_night):
    hub, _ = first_night
    empty = hub.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' AND NOT internal "
        "AND table_name NOT LIKE 'ducklake_%' AND coalesce(comment, '') = ''"
    )
    assert empty == []


def test_bad_sql_is_told_clearly(first_night):
    hub, _ = first_night
    wrong = hub.run("sql", "SELECT * FROM rankin")
    assert wrong.returncode == 2
    assert "ranking" in wrong.stderr
    assert hub.run("sql", "DROP TABLE ranking").returncode == 2
    assert json.loads(hub.run("sql", "SELECT 1 AS one", "--json").stdout) == [{"one": 1}]


def test_a_clean_city_raises_no_critical_finding_and_its_stuck_devices_are_seen(first_night):
    hub, _ = first_night
    found = hub.rows("SELECT kind, severity FROM finding WHERE origin = 'watch' AND state = 'open'")
    assert {kind for kind, severity in found if severity == "critical"} == set()
    assert {"frozen", "future_clock", "rate_disagrees"} <= {kind for kind, _ in found}
    assert "watch_failed" not in {kind for kind, _ in found}
