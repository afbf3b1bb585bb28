"""`cityhub score whatif`: the shipped examples, what is refused and how it is named, nothing read but the file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from cli.main import app
from scoring.numbers import text
from scoring.whatif import file
from tests.scoring.months import CAMPAIGNS
from tests.scoring.trials import Tree, ask, trial

EXAMPLES = REPOSITORY / "docs" / "examples" / "scores"
PARTS = {"digital": "90", "specials": {"roads": "90"}, "peace": "90", "civil": "90", "cgb": "90", "garden": "90"}


def told(*arguments: str) -> tuple[int, Any]:
    """Exit code and the JSON document of a command."""
    done = CliRunner().invoke(app, ["score", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


def qi(components: Tree | None = None, period: str = "2026-03", **unit: Any) -> Tree:
    """A month of one territory."""
    own = {} if components is None else {"components": components}
    return {"period": period, "units": [{"unit": "a", "league": "territory"} | own | unit]}


def write(tmp_path: Path, content: Any) -> str:
    """The content as a file."""
    path = tmp_path / "inputs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return str(path)


EXPECTED: dict[str, dict[str, tuple[str | None, str | None, int | None, str, list[str], str]]] = {
    "qi-county": {
        "a": ("88.84", "良好", 1, "ok", ["R1", "R3"], "20000"),
        "b": ("88.4", "良好", 2, "ok", ["R1"], "0"),
        "c": ("83.4", "合格", 3, "ok", ["P1"], "0"),
        "d": ("70.9", "不合格", 4, "ok", ["P1", "P2", "P3", "P4"], "0"),
        "e": (None, None, None, "provisional", [], "0"),
    },
    "qi-county-year": {
        "a": ("91.1666666666666667", "优秀", 1, "ok", ["R2", "R4"], "100000"),
        "b": ("85", "良好", 3, "ok", ["R4"], "50000"),
        "c": ("89.5", "良好", 2, "ok", ["R4"], "50000"),
        "d": ("72", "不合格", 4, "provisional", ["P2"], "0"),
    },
    "zhonglou": {
        "a": ("95.45", "优秀", 2, "ok", ["deposits"], "60000"),
        "b": ("95.75", "合格", 1, "ok", ["deposits"], "10000"),
        "c": ("76.5", "不合格", 1, "provisional", ["deposits"], "-5000"),
    },
    "dengfeng": {
        "a": (None, None, None, "ok", [], "0"),
        "b": (None, None, None, "ok", [], "0"),
        "c": (None, None, None, "provisional", [], "0"),
    },
    "dengfeng-credit": {
        "a": ("57", "“黑榜”失信单位", 2, "ok", ["blacklist"], "0"),
        "b": ("57", "“黑榜”失信单位", 2, "ok", ["blacklist"], "0"),
        "c": ("100", "正常", 1, "ok", [], "0"),
    },
    "jintan": {
        "a": ("88.8666666666666667", "合格", 1, "ok", [], "0"),
        "b": ("85.5", "合格", 2, "ok", ["last_ranked"], "0"),
        "t1": ("82", "合格", 1, "ok", [], "0"),
        "t2": ("78.1666666666666667", "合格", 2, "ok", ["last_ranked"], "0"),
    },
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_examples_of_the_docs_say_what_the_docs_say(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "nothing here"))
    code, answer = told("whatif", "--scheme", name.removesuffix("-year"), "--inputs", str(EXAMPLES / f"{name}.json"))
    keys = ("score", "grade", "rank", "state", "consequences", "money_yuan")
    assert code == 0
    assert {u["unit"]: tuple(u[key] for key in keys) for u in answer["units"]} == EXPECTED[name]
    assert all(unit["trace"] for unit in answer["units"])
    assert answer["switches"] and answer["switches"].keys() == {item["id"] for item in answer["switches_named"]}
    assert all(unit["in_force"] == (unit["state"] == "ok") for unit in answer["units"])
    assert not (tmp_path / "nothing here").exists()


def test_every_example_is_expected_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == EXPECTED.keys()


def test_a_missing_component_gives_no_score_whatever_way_it_is_missing() -> None:
    for parts in (PARTS | {"peace": None}, {k: v for k, v in PARTS.items() if k != "peace"},
                  PARTS | {"specials": {"roads": None}}, PARTS | {"specials": {}}):  # fmt: skip
        unit = ask("qi-county", qi(parts))["a"]
        assert (unit["score"], unit["state"], unit["rank"], unit["grade"]) == (None, "provisional", None, None)
        assert unit["reason"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (qi(PARTS | {"digitol": "1"}), "digitol"),
        (qi(PARTS | {"specials": {"roats": "1"}}), "roats"),
        (qi(PARTS, events=[{"rule": "B9"}]), "B9"),
        (qi(PARTS, events=[{"rule": "B1", "level": "galactic"}]), "galactic"),
        (qi(PARTS, league="villages"), "villages"),
        (qi(PARTS) | {"switches": {"QA99": "hold"}}, "QA99"),
        (qi(PARTS) | {"switches": {"QA2": "guess"}}, "guess"),
        (qi(PARTS, period="2026-13"), "2026-13"),
        (qi(PARTS, period="2026-W03"), "2026-W03"),
        (qi(PARTS | {"peace": "many"}), "many"),
        (qi(PARTS, colour="red"), "colour"),
        (qi(PARTS) | {"scheme": "jintan"}, "jintan"),
        (qi(PARTS) | {"config": {"weights": {}}}, "weights"),
        (qi(PARTS, violations=[{"type": "x", "plate": "p", "at": "2026-01-01T00:00"}]), "ledger"),
        (qi(PARTS, score="90"), "score"),
        (qi(PARTS, since="2026-01-01"), "since"),
        (qi(PARTS, weeks={"2026-W03": "80"}), "weeks"),
        (qi(PARTS, months={"2026-03": "80"}), "2026-03"),
        (qi(PARTS, period="2026"), "2026"),
        (qi(period="2026"), "no months"),
    ],
)
def test_what_is_unknown_or_contradictory_is_refused_by_name(tmp_path: Path, content: Tree, named: str) -> None:
    code, answer = told("whatif", "--scheme", "qi-county", "--inputs", write(tmp_path, content))
    assert code == 2
    assert named in json.dumps(answer["error"], ensure_ascii=False)


def test_an_unknown_scheme_names_the_schemes_there_are(tmp_path: Path) -> None:
    code, answer = told("whatif", "--scheme", "kaifeng", "--inputs", write(tmp_path, qi(PARTS)))
    assert code == 2
    assert all(name in answer["error"]["fix"] for name in ("qi-county", "zhonglou", "dengfeng-credit", "jintan"))
    assert "digital" not in answer["error"]["fix"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ('{"period": "2026-03", "units": [}', "line 1"),
        ('{"period": "2026-03", "units": [{"unit": "a", "components": {"peace": true}}]}', "peace"),
        ('{"period": "2026-03", "units": [{"unit": "a", "unit": "b"}]}', "unit"),
        ('{"period": "2026-03"}', "units"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_place(tmp_path: Path, content: str, field: str) -> None:
    code, answer = told("whatif", "--scheme", "qi-county", "--inputs", write(tmp_path, content))
    assert (code, answer["error"]["code"]) == (2, "CH-SCORE-009")
    assert field in answer["error"]["where"]["field"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    code, answer = told("whatif", "--scheme", "qi-county", "--inputs", str(tmp_path / "none.json"))
    assert (code, answer["error"]["code"]) == (2, "CH-SCORE-009")


def test_numbers_keep_every_digit() -> None:
    digits = "89.99999999999999999999"
    same = {key: digits for key in PARTS if key != "specials"} | {"specials": dict.fromkeys(CAMPAIGNS, digits)}
    unit = ask("qi-county", qi(same))["a"]
    assert (unit["score"], unit["grade"], unit["shown"]) == (digits, "良好", "90.00")
    found = file.parse(
        '{"period": "2026-03", "units": [{"unit": "a", "components": {"peace": 89.10000000000000000001}}]}'
    )
    assert found.units[0].components == {"peace": Decimal("89.10000000000000000001")}
    yaml = "period: 2026-03\nunits: [{unit: a, components: {peace: 89.1}}]\n"
    with pytest.raises(Usage, match="float"):
        file.parse(yaml, "inputs.yaml")
    assert file.parse(yaml.replace("89.1", "'89.1'"), "inputs.yaml").units[0].components == {"peace": "89.1"}


def test_names_of_the_rule_in_chinese_and_other_names_are_ids_too() -> None:
    parts = {"县综治平安建设考核成绩": "80"} | {key: value for key, value in PARTS.items() if key != "peace"}
    by_title = ask("qi-county", qi(parts, league="属地单位"))["a"]
    assert by_title["score"] == "89.8"
    assert ask("qi-county", qi(parts, league="territorial"))["a"] == by_title
    flat = {"city_on_site": "90", "city_rect": "90", "dist_on_site": "90", "dist_rect": "90"}
    found = ask("zhonglou", {"period": "2026-03", "units": [{"unit": "a", "league": "街道", "components": flat}]})
    assert found["a"]["score"] == "90"
    for twice in ({"peace": "80"}, {"specials": {"roads": "80", "城市道路管理养护专项整治": "90"}}):
        with pytest.raises(Usage, match="twice"):
            trial("qi-county", qi(parts | twice))


def test_a_switch_of_the_command_goes_over_the_files() -> None:
    content = qi(PARTS | {"peace": None}) | {"switches": {"QA2": "zero"}}
    assert ask("qi-county", content)["a"]["score"] == "88.2"
    assert ask("qi-county", content, missing_component="full")["a"]["score"] == "90.2"


def test_a_period_that_is_not_over_is_provisional_with_a_score() -> None:
    unit = ask("qi-county", qi(PARTS) | {"complete": False})["a"]
    assert (unit["score"], unit["state"]) == ("90", "provisional")


def test_a_company_on_the_line_is_not_listed_and_under_it_is_handed_over() -> None:
    def company(name: str, points: str) -> Tree:
        seen = {"type": "speeding", "plate": "豫A1", "at": "2026-03-04T05:06", "id": "V1", "points": points}
        return {"unit": name, "violations": [seen]}

    units = [company("on", "40"), company("under", "40.0001")]
    found = ask("dengfeng-credit", {"period": "2026-03", "units": units})
    assert (found["on"]["score"], found["on"]["consequences"], found["on"].get("handover")) == ("60", [], None)
    record = found["under"]["handover"]
    assert (record["score"], record["below"], record["unit"]) == ("59.9999", "60", "under")
    seen = {"id": "V1", "type": "speeding", "title": "超速", "plate": "豫A1", "at": "2026-03-04T05:06:00"}
    assert record["violations"] == [seen | {"reporter": "traffic_police", "points": "40.0001"}]
    assert record["switches"]["DA2"] == "plate_type_minutes"


def test_a_ledger_reads_neither_events_nor_months() -> None:
    for unread in ({"events": [{"rule": "B1"}]}, {"months": {"2026-01": "80"}}):
        units = [{"unit": "a", "violations": []} | unread]
        with pytest.raises(Usage, match=r"B1|months"):
            trial("dengfeng-credit", {"period": "2026-03", "units": units})


def test_moments_are_compared_in_local_time() -> None:
    seen = [{"type": "speeding", "plate": "豫A1", "at": "2026-03-31T16:10:00Z"},
            {"type": "speeding", "plate": "豫A1", "at": "2026-04-01T00:20:00"}]  # fmt: skip
    units = [{"unit": "a", "violations": seen}]
    assert ask("dengfeng-credit", {"period": "2026-03", "units": units})["a"]["score"] == "100"
    assert ask("dengfeng-credit", {"period": "2026-04", "units": units})["a"]["score"] == "97"


def test_the_steps_of_a_unit_as_text() -> None:
    arguments = [
        "score",
        "whatif",
        "--scheme",
        "qi-county",
        "--inputs",
        str(EXAMPLES / "qi-county.json"),
        "--unit",
        "丁乡",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert all(part in done.stdout for part in ("丁乡", "70.9", "[P4]", "2026-01、2026-02、2026-03", "QA7=below_pass"))
    assert told(*arguments[1:-1], "nobody")[0] == 2


def test_money_and_scores_are_text_without_exponents() -> None:
    assert text(Decimal("1E+4")) == "10000"
    units = [{"unit": name, "league": "territory", "components": PARTS} for name in "ab"]
    split = ask("qi-county", {"period": "2026-03", "units": units}, QA10="competition_split")
    assert [split[name]["money_yuan"] for name in "ab"] == ["10000", "10000"]


def test_the_file_that_the_docs_show_can_be_run(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "scoring.md").read_text(encoding="utf-8")
    shown = page.split("```json\n", 1)[1].split("```", 1)[0]
    code, answer = told("whatif", "--scheme", "qi-county", "--inputs", write(tmp_path, shown))
    # 0.5*92.4 + 0.4*81.5 + 0.02*95 + 0.04*88 + 0.02*90 + 0.02*76 - 0.5
    assert (code, answer["units"][0]["score"]) == (0, "87.04")
