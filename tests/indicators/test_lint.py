"""The portable subset: each rule refuses its construct, says where, why and what to write; definitions keep to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhub import settings
from cityhub.errors import Stop
from cityhub.spec.read import read_all as read_specs
from indicators import derived, lint
from indicators.definitions import Definition, read_file
from indicators.portable.subset import Rule, rules

TABLES = {"lamp", "hour_of_day"}
FOLDER = settings.REPOSITORY / "indicators"


def names(sql: str, stamps: tuple[str, ...] = ()) -> list[str]:
    return [problem.rule.name for problem in lint.problems(sql, TABLES, ["limit_h"], stamps)]


@pytest.mark.parametrize("rule", rules().values(), ids=list(rules()))
def test_each_rule_refuses_its_example_and_takes_what_it_says_to_write(rule: Rule) -> None:
    assert rule.name in names(rule.bad)
    assert names(rule.good) == []
    assert all((rule.refuses, rule.why, rule.instead))


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("SELECT strftime(ts, '%Y') AS a FROM lamp", "function"),
        ("SELECT round(a) AS b FROM lamp", "function"),
        ("SELECT length(a) AS b FROM lamp", "function"),
        ("SELECT quantile_cont(a, 0.5) AS b FROM lamp", "function"),
        ("SELECT COUNT(DISTINCT (a, b)) AS c FROM lamp", "function"),
        ("SELECT a + INTERVAL 1 DAY AS b FROM lamp", "time_stamp"),
        ("SELECT SUM(a % 2) AS b FROM lamp", "operator"),
        ("SELECT COUNT(*) AS n FROM lamp WHERE a LIKE 'x%'", "operator"),
        ("SELECT COUNT(*) AS n FROM pole", "table"),
        ("SELECT COUNT(*) AS n FROM main.lamp", "table"),
        ("SELECT COUNT(*) AS n FROM (VALUES (1)) v", "table"),
        ("SELECT a AS b FROM lamp GROUP BY 1", "grouping"),
        ("SELECT a AS b FROM lamp GROUP BY ROLLUP (a, b)", "grouping"),
        ("SELECT DISTINCT ON (a) a AS b FROM lamp", "ordering"),
        ("SELECT COUNT(*) AS n FROM lamp USING SAMPLE 3", "ordering"),
        ("SELECT COUNT(*) AS n FROM lamp TABLESAMPLE 10%", "ordering"),
        ("SELECT COUNT(*) AS n FROM lamp a NATURAL JOIN lamp b", "join"),
        ("SELECT COUNT(*) AS n FROM lamp a FULL JOIN lamp b ON a.x = b.x", "join"),
        ("SELECT COUNT(*) AS n FROM lamp a ASOF JOIN lamp b ON a.x >= b.x", "join"),
        ("SELECT a AS b FROM lamp EXCEPT SELECT c AS b FROM lamp", "union"),
        ("SELECT a AS b FROM lamp UNION ALL BY NAME SELECT c AS b FROM lamp", "union"),
        ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 AS j FROM n) SELECT i AS b FROM n", "step"),
        ("WITH n(i) AS (SELECT a FROM lamp) SELECT i AS b FROM n", "step"),
        ("SELECT EXISTS (SELECT a FROM lamp) AS b FROM lamp", "subquery"),
        ("SELECT a[1] AS b FROM lamp", "expression"),
        ("SELECT list_filter(a, lambda x: x > 1) AS b FROM lamp", "expression"),
        ("SELECT COUNT(*) AS n FROM lamp WHERE a = ?", "parameter"),
        ("SELECT TRY_CAST(a AS DOUBLE) AS b FROM lamp", "cast_type"),
        ("SELECT COUNT(*) AS n FROM lamp WHERE a = 'x\\n'", "spelling"),
        ("SELECT SUM(1_000) AS n FROM lamp", "spelling"),
        ("SELECT MAX(Status) AS n FROM lamp", "spelling"),
        ('SELECT MAX("Status") AS n FROM lamp', "spelling"),
        ("SELECT a + 1 AS b, b + 1 AS c FROM lamp", "alias_hides"),
        ("SELECT COUNT(*) FROM lamp", "alias_missing"),
        ("SELECT LAG(a, 2) OVER (ORDER BY b) AS c FROM lamp", "window"),
        ("SELECT LAG(a IGNORE NULLS) OVER (ORDER BY b) AS c FROM lamp", "window"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY a) AS c FROM lamp", "window_order"),
        ("SELECT CAST(a AS DOUBLE) / 0 AS b FROM lamp", "divisor"),
        ("SELECT 1; SELECT 2", "statement"),
        ("SELEC a FROM lamp", "statement"),
        ("", "statement"),
    ],
)
def test_what_else_leaves_the_subset(sql: str, rule: str) -> None:
    assert rule in names(sql)


def test_a_computed_double_is_followed_through_the_steps_to_the_sum() -> None:
    steps = "WITH a AS (SELECT k, {} AS x FROM lamp), b AS (SELECT q.x AS y FROM a q JOIN lamp l ON l.k = q.k)"
    ends = " SELECT SUM(CASE WHEN y > 1 THEN y ELSE 0 END) AS numerator FROM b"
    assert names(steps.format("SQRT(v)") + ends) == ["exact_sum"]
    assert names(steps.format("CAST(SQRT(v) AS DECIMAL(18, 6))") + ends) == []
    assert names("SELECT SUM(x) AS n FROM (SELECT SQRT(v) AS x FROM lamp) q") == ["exact_sum"]
    assert names("SELECT SUM(CASE WHEN SQRT(v) > 1 THEN 1 ELSE 0 END) AS n FROM lamp") == []


def test_time_stamps_are_passed_on_and_not_computed_with() -> None:
    assert (
        names("SELECT MIN(ts) AS first_ts, COALESCE(ts, ended_at) AS b FROM lamp GROUP BY ts, ended_at", ("ts",)) == []
    )
    for used in ("ts > ended_at", "ts BETWEEN a AND b", "ts - ended_at > 3"):
        assert set(names(f"SELECT COUNT(*) AS n FROM lamp WHERE {used}", ("ts",))) == {"time_stamp"}
    assert names("SELECT LAG(a) OVER (ORDER BY ts) AS b FROM lamp", ("ts",)) == ["time_stamp"]


def test_a_problem_says_the_line_what_stands_there_why_and_what_to_write() -> None:
    step = "WITH 灯 AS (\n  SELECT {unit} AS place, a FROM lamp -- 路灯\n)"
    sql = step + "\nSELECT place AS unit,\n  SUM(a) / 2 AS numerator FROM 灯 GROUP BY place"
    (problem,) = lint.problems(sql, TABLES)
    rule = rules()["division"]
    assert (problem.rule, problem.line) == (rule, 5)
    assert all(text in str(problem) for text in ("line 5", rule.why, rule.instead))


def test_the_page_for_people_lists_every_rule() -> None:
    page = (settings.REPOSITORY / "docs" / "portable.md").read_text(encoding="utf-8")
    assert [
        name for name, rule in rules().items() if f"| `{name}` |" not in page or rule.instead[:20] not in page
    ] == []


@given(st.text())
def test_the_linter_reads_any_text(text: str) -> None:
    lint.problems(text, TABLES)


@given(st.text(alphabet="SELCTFROMlamp a.,()*/$'\"-{}unit 019|:\n", max_size=60))
def test_the_linter_reads_what_is_nearly_sql(text: str) -> None:
    lint.problems("SELECT a AS b FROM lamp " + text, TABLES)


def test_a_refused_definition_names_file_line_and_way_out(tmp_path: Path) -> None:
    text = (FOLDER / "muck.yaml").read_text(encoding="utf-8")
    good = "CAST(SUM(t.on_ms) AS DOUBLE) / 1000"
    path = tmp_path / "muck.yaml"
    path.write_text(text.replace(good, "SUM(t.on_ms) / 1000"), encoding="utf-8")
    with pytest.raises(Stop) as caught:
        read_file(path)
    line = next(at for at, content in enumerate(text.splitlines(), 1) if good in content)
    assert (
        caught.value.place | {"file": str(path), "indicator": "MUK-02", "field": "sql", "line": line}
        == caught.value.place
    )
    assert rules()["division"].instead in caught.value.text()


def test_all_definitions_keep_time_stamps_out_of_their_arithmetic(definitions: dict[str, Definition]) -> None:
    specs = read_specs(settings.REPOSITORY / "feeds").values()
    stamps = {name for spec in specs for name, field in spec.fields.items() if field.type == "timestamp"}
    assert len(stamps) > 20
    texts = [
        (item.code, text, {*item.reads(), *item.derived}, item.limits)
        for item in definitions.values()
        for _, text in item.statements()
    ]
    texts += [(table.table, table.sql, set(table.reads), table.limits) for table in derived.read_all().values()]
    for name, text, tables, limits in texts:
        allowed = {*tables, *derived.REFERENCE_TABLES, *derived.MADE}
        assert lint.problems(text, allowed, limits, stamps) == [], name
