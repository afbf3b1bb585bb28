"""`cityhub feed check`: each typing mistake is named with file, line and key, and with what to type instead."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityhub.lint.check import lint
from cityhub.settings import REPOSITORY
from cli.main import app
from flow.register.check import Checked, check
from tests.register.typed import FEED, GOOD, TYPED, Typed

PARENT = GOOD.replace("gas.trial", "gas.point").replace("gas_trial", "gas_point")


def checked(folder: Path, text: str | bytes, name: str = FEED) -> Checked:
    """A spec beside another one, checked."""
    (folder / "gas.point.yaml").write_text(PARENT, encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (found,) = check([path], folder)
    return found


def test_the_good_spec_has_no_mistake(tmp_path: Path) -> None:
    assert checked(tmp_path, GOOD).problems == ()


@pytest.mark.parametrize("mistake", TYPED, ids=lambda mistake: mistake.what)
def test_mistake(tmp_path: Path, mistake: Typed) -> None:
    assert mistake.old in GOOD
    found = checked(tmp_path, GOOD.replace(mistake.old, mistake.new, 1)).problems
    hits = [
        item for item in found if (item.error.code, item.line, item.key) == (mistake.code, mistake.line, mistake.key)
    ]
    assert hits, [item.text() for item in found]
    assert mistake.words in hits[0].error.part("fix") or mistake.words in hits[0].error.part("what"), hits[0].text()
    assert f"{FEED}.yaml:{mistake.line}: " in hits[0].text()
    shown = "".join(item.text() + json.dumps(item.as_dict()) for item in found)
    assert not [secret for secret in ("Abc-2026!", "20261234") if secret in shown]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Those of letters, words and sense together: nobody corrects one to be shown the next."""
    text = GOOD
    chosen = [item for item in TYPED if item.what in {
        "a Chinese comma between two keys", "a mistyped kind of source", "a time as 6:00", "a unit that is none",
        "one code twice, once full-width", "a TODO of the draft", "a hub's table", "a time of day as cron",
    }]  # fmt: skip
    for mistake in chosen:
        text = text.replace(mistake.old, mistake.new, 1)
    found = {(item.error.code, item.line) for item in checked(tmp_path, text).problems}
    assert found >= {(mistake.code, mistake.line) for mistake in chosen}


def test_a_file_saved_as_ansi_is_named_and_its_other_mistakes_too(tmp_path: Path) -> None:
    text = GOOD.replace("type: double", "type: float")
    found = [item.error.code for item in checked(tmp_path, text.encode("gb18030")).problems]
    assert found == ["CH-REG-005", "CH-REG-012"]


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    without = GOOD[: GOOD.index("examples:")]
    found = checked(tmp_path, without)
    assert [(item.error.code, item.severity) for item in found.problems] == [("CH-REG-037", "warning")]
    copied = GOOD.replace("  state:", "  copy: {from: CDBH, required: true}\n  state:")
    assert [item.error.code for item in checked(tmp_path, copied).warnings] == ["CH-REG-028"]


def test_exit_codes_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path))
    run = CliRunner().invoke
    checked(tmp_path, GOOD)
    assert run(app, ["feed", "check", FEED]).exit_code == 0
    checked(tmp_path, GOOD[: GOOD.index("examples:")])
    assert run(app, ["feed", "check", FEED]).exit_code == 1
    checked(tmp_path, GOOD.replace("kind: database", "kind: databse"))
    result = run(app, ["feed", "check", FEED, "--json"])
    assert result.exit_code == 2
    (problem,) = json.loads(result.stdout)["problems"]
    assert (problem["line"], problem["key"], problem["code"]) == (8, "source.kind", "CH-REG-012")
    unknown = run(app, ["feed", "check", "gas.trail"])
    assert unknown.exit_code == 2
    assert "gas.trial" in unknown.output


def test_the_shipped_feeds_are_good() -> None:
    folder = REPOSITORY / "feeds"
    found = [item.text() for one in check(sorted(folder.glob("*.yaml")), folder) for item in one.problems]
    assert found == []


JUNK = ["", "x", "1", "01", "[]", "{}", "[1, {a: b}]", "null", "2026-11-20", "{a: {b: [c]}}", "是", "&x 1", "'"]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_typed_the_check_answers(tmp_path: Path, seed: int) -> None:
    """Any value anywhere: a list of problems, never a stack trace."""
    dice = random.Random(seed)
    lines = GOOD.splitlines()
    for _ in range(3):
        number = dice.randrange(len(lines))
        head, colon, _ = lines[number].partition(":")
        lines[number] = head + colon + " " + dice.choice(JUNK)
    path = tmp_path / f"{FEED}.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    (found,) = check([path], tmp_path)
    assert all(item.text() for item in found.problems)
    assert lint(path).problems is not None
