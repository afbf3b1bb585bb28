"""`cityhub decode`: lines in, objects out, in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from cli.decode import LONGEST_LINE
from cli.main import app
from tests.sensors.hj212.frames import dust

GOOD, BAD = dust().decode().rstrip(), dust().decode().rstrip().replace("Rtd=70", "Rtd=71")


def run(*arguments: str, given: str | bytes = ""):
    return CliRunner().invoke(app, ["decode", *arguments], input=given)


def oks(output: str) -> list[bool]:
    return [json.loads(line)["ok"] for line in output.splitlines()]


def test_good_and_bad_alike_in_order_from_standard_input_and_from_a_file(tmp_path: Path):
    text = f"{GOOD}\r\n{BAD}\n\n   \nrubbish\n{GOOD}\\r\\n"
    (tmp_path / "frames.txt").write_text(text, newline="")
    for result in (run("hj212", given=text), run("hj212", "-", given=text), run("hj212", str(tmp_path / "frames.txt"))):
        assert oks(result.stdout) == [True, False, False, True]
        assert result.exit_code == 1


def test_all_good_is_exit_code_0():
    assert run("hj212", given=GOOD).exit_code == 0
    assert run("hj212", given="").exit_code == 0


def test_a_missing_file_and_an_unknown_protocol_are_clear(tmp_path: Path):
    result = run("hj212", str(tmp_path / "nothing"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such file" in result.stderr
    assert "nothing" in result.stderr
    result = run("modbus")
    assert result.exit_code == 2
    assert "hj212, jt808, jt809" in result.stderr
    assert run("hj212", str(tmp_path)).exit_code == 2


def test_bytes_that_are_no_text_give_an_object():
    result = run("hj212", given=b"\xff\xfe##\x00\n" + GOOD.encode())
    assert oks(result.stdout) == [False, True]


def test_a_line_without_an_end_is_bounded():
    result = run("hj212", given="##0100" + "x" * (3 * LONGEST_LINE) + "\n" + GOOD)
    assert oks(result.stdout) == [False, True]


def test_each_answer_comes_before_the_next_question():
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "decode", "hj212"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    for line, ok in ((GOOD, True), (BAD, False), (GOOD, True)):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["ok"] is ok
    process.stdout.close()  # whoever reads us has seen enough
    process.stdin.write(GOOD + "\n")
    process.stdin.close()
    assert process.wait() == 1


def test_the_other_protocols_have_their_decoders():
    for protocol in ("jt808", "jt809"):
        result = run(protocol, given="zz\n")
        assert oks(result.stdout) == [False]
        assert result.exit_code == 1
