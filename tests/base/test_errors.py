"""The catalogue of errors: stable codes, complete texts, no secret in any of them."""

import pickle
import re
from pathlib import Path

import pytest

from cityhub.errors import HubError, Retry, Stop, Usage, catalogue
from cityhub.secrets import remember

REPOSITORY = Path(__file__).parents[2]
ROOMS = (
    "cityhub",
    "cli",
    "flow",
    "connectors",
    "warehouse",
    "sensors",
    "expectations",
    "indicators",
    "scoring",
    "serving",
    "conformance",
    "extracts",
)


def used_codes() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")]
    return {code for text in texts for code in re.findall(r"\"(CH-[A-Z]+-\d{3})\"", text)}


def test_every_code_that_is_raised_stands_in_the_catalogue():
    assert used_codes() <= set(catalogue())


def test_no_code_of_the_catalogue_is_dead():
    assert set(catalogue()) <= used_codes()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_entry_says_what_why_how_and_who(code):
    entry = catalogue()[code]
    assert entry["family"] in {"Retry", "Reject", "Stop"}
    for part in ("what", "why", "fix", "who"):
        assert entry[part].strip(), f"{code} has no {part}"


def test_text_names_the_place_and_the_remedy():
    text = Stop("CH-CONF-001", name="muck_url", variable="CITYHUB_MUCK_URL", file="secrets/muck_url").text()
    assert "CH-CONF-001" in text
    assert "muck_url" in text
    assert "set the variable CITYHUB_MUCK_URL" in text


def test_a_known_secret_never_stands_in_a_text():
    remember("s3cr3t-value")
    error = Retry("CH-LAKE-002", catalog="postgres:password=s3cr3t-value", detail="login with s3cr3t-value failed")
    assert "s3cr3t-value" not in error.text() + str(error) + str(error.as_dict())


def test_errors_survive_the_way_between_processes():
    error = pickle.loads(pickle.dumps(Stop("CH-RUN-002", feed="a.b", day="2026-11-20")))
    assert (type(error), error.code, error.place["feed"]) == (Stop, "CH-RUN-002", "a.b")


def test_families_have_the_exit_codes_of_the_design():
    assert (Usage.exit_code, Retry.exit_code, Stop.exit_code) == (2, 75, 1)
    assert issubclass(Usage, HubError)
