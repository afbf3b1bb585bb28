"""Schemes are read strictly; what the county's document says stands in the file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from cityhub.errors import Stop, Usage
from cityhub.settings import REPOSITORY
from indicators import definitions
from scoring import policy, scheme
from scoring.numbers import measured, number, plain, quotient, text
from tests.scoring.months import RULES


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The county's scheme with one text replaced."""
    content = (scheme.FOLDER / "qi-county.yaml").read_text(encoding="utf-8")
    assert old in content
    path = tmp_path / "changed.yaml"
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    return path


def test_weights_bands_and_points_of_the_document() -> None:
    weights = {item.id: str(item.weight) for item in RULES.components}
    assert weights == {
        "digital": "0.50", "specials": "0.40", "peace": "0.02",
        "civil": "0.04", "cgb": "0.02", "garden": "0.02",
    }  # fmt: skip
    assert [(grade.title.zh, grade.min) for grade in RULES.grades] == [
        ("优秀", 90), ("良好", 85), ("合格", 75), ("不合格", None)
    ]  # fmt: skip
    assert {rule.id for rule in RULES.events} == {"B1", "B2", "B3", "D1", "D2", "D3", "D4a", "D4b", "D5"}
    assert [rule.id for rule in RULES.events if rule.cap] == ["B3"]
    assert {rule.id for rule in RULES.consequences} == {"R1", "R2", "R3", "R4", "P1", "P2", "P3", "P4", "P5"}
    assert len(RULES.component("specials").members) == 8


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ('weight: "0.50"', "weight: 0.50", "components.0.weight", "float"),
        ('weight: "0.50"', 'weight: "0.60"', "scheme", "add up"),
        ("best_grade: excellent", "best_grade: superb", "scheme", "superb"),
        ("default: hold", "default: guess", "switches.1", "guess"),
        ("method: weighted", "method: weighted\ntypo: 1", "typo", "permitted"),
        ('min: "85"', 'min: "95"', "scheme", "grades"),
        ("switches: [QA10, QA11]", "switches: [QA10, QA98]", "scheme", "QA98"),
    ],
)
def test_a_wrong_scheme_is_refused_with_its_place(tmp_path: Path, old: str, new: str, field: str, problem: str) -> None:
    with pytest.raises(Stop) as caught:
        scheme.read(changed(tmp_path, old, new))
    assert caught.value.code == "CH-SCORE-001"
    assert caught.value.place["field"] == field
    assert problem in caught.value.place["problem"]


def test_not_yaml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(Stop) as caught:
        scheme.read(changed(tmp_path, "leagues:", "leagues: ]"))
    assert str(caught.value.place["field"]).startswith("line ")


def test_an_unknown_scheme_is_named_with_what_there_is() -> None:
    with pytest.raises(Usage, match="qi-county"):
        scheme.load("qi-conty")


def test_the_policy_is_marked_as_ours_and_reads_indicators_that_exist() -> None:
    ours = policy.load()
    assert ours.ours and "本平台拟定" in ours.title.zh
    known = {
        item.code: item for path in sorted(definitions.FOLDER.glob("*.yaml")) for item in definitions.read_file(path)
    }
    for league, curves in ours.leagues.items():
        for curve in curves:
            item = known[curve.code]
            space = "county" if curve.of == "county" else league
            assert space in item.grain.space, f"{curve.code} has no value for {space}"
            assert (curve.platform, curve.direction) == (item.platform, item.direction), curve.code


@pytest.mark.parametrize("value", [1.5, True, None, "NaN", "Infinity", "87,5", "", "1e99"])
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(Usage, match="CH-SCORE-003"):
        number(value, unit="a", field="peace")


def test_decimals_in_and_out() -> None:
    assert number(" 87.50 ") == Decimal("87.5")
    assert text(Decimal("87.500000000000000000")) == "87.5"
    assert (text(Decimal("1E+2")), text(Decimal("0E-18")), text(None)) == ("100", "0", None)
    assert plain(Decimal("-0.0")) == 0
    assert measured(0.1 + 0.2) == Decimal("0.3")
    assert quotient(Decimal(1), Decimal(3)) == Decimal("0.3333333333333333")
    assert quotient(Decimal(668), Decimal(8)) == Decimal("83.5")


@pytest.mark.parametrize("name", ["qi-county", "zhonglou", "dengfeng", "dengfeng-credit", "jintan"])
def test_the_documentation_names_every_switch_and_its_options(name: str) -> None:
    page = (REPOSITORY / "docs" / "scoring.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page
    for switch in scheme.load(name).switches:
        line = next(line for line in page.splitlines() if line.startswith(f"| {switch.id} | `{switch.name}` |"))
        assert f"**{switch.default}** {switch.options[switch.default]}" in line
        assert all(option in line and meaning in line for option, meaning in switch.options.items())
