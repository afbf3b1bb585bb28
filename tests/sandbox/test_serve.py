"""The whole city as the process that the nightly run starts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest

from cityhub.spec.read import read_all
from sandbox.__main__ import main
from tests.sandbox.cities import DAY
from tests.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]


def _serve(home: Path, *options: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "serve",
        "--day",
        DAY.isoformat(),
        "--home",
        str(home),
        *options,
    ]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _post(url: str) -> dict[str, object]:
    request = urllib.request.Request(url, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.loads(answer.read()))


def test_the_city_comes_up_answers_for_every_feed_and_goes_at_sigterm(tmp_path: Path) -> None:
    process = _serve(tmp_path, "--scale", "0.05", "--fault", "none", "--fault", "gas=dead")
    try:
        wait_for(lambda: (tmp_path / "ready.json").exists() or process.poll() is not None, 60)
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        ready = json.loads((tmp_path / "ready.json").read_text(encoding="utf-8"))
        feeds = {name: spec for name, spec in read_all(REPOSITORY / "feeds").items() if spec.active}
        assert set(ready["feeds"]) == set(feeds)
        secrets = {path.name for path in (tmp_path / "secrets").iterdir()}
        for spec in feeds.values():
            address = str(spec.source.address)
            if address.startswith("${"):
                assert address[2 : address.index("}")] in secrets, spec.feed
        assert _post(ready["control"] + "/day?day=2026-11-19") == {"day": "2026-11-19"}
        with pytest.raises(HTTPError):
            _post(ready["control"] + "/explode")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        with pytest.raises(OSError, match=r"refused|reset"):
            _post(ready["control"] + "/day")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "options",
    [("--scale", "huge"), ("--fault", "muck=explode"), ("--records", "/no/such/folder"), ("--day", "today")],
)
def test_a_wrong_option_ends_with_2_and_says_which(
    capsys: pytest.CaptureFixture[str], options: tuple[str, str]
) -> None:
    try:
        code: object = main(["serve", *options])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert options[1].split("=")[-1] in capsys.readouterr().err
