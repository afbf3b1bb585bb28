"""Names are resolved in a fixed order; values are redacted wherever they turn up."""

import pytest

from cityhub import secrets
from cityhub.errors import Stop


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CITYHUB_SECRETS", str(tmp_path))
    return tmp_path


def test_the_variable_wins_over_the_file(folder, monkeypatch):
    (folder / "gas_token").write_text("from-file\n")
    assert secrets.lookup("gas_token") == "from-file"
    monkeypatch.setenv("CITYHUB_GAS_TOKEN", "from-variable")
    assert secrets.lookup("gas_token") == "from-variable"


def test_a_missing_secret_names_the_places_looked_at(folder):
    with pytest.raises(Stop) as caught:
        secrets.secret("heat_password", feed="heat.station")
    text = caught.value.text()
    assert "CITYHUB_HEAT_PASSWORD" in text
    assert str(folder / "heat_password") in text
    assert "heat.station" in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql://hub:pa55word@db:5432/x", "postgresql://hub:***@db:5432/x"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("token=abcdef&page=2", "token=***&page=2"),
        ('{"password": "geheim", "user": "x"}', '{"password": "***", "user": "x"}'),
    ],
)
def test_redaction_of_things_that_look_like_secrets(text, kept):
    assert secrets.redact(text) == kept


def test_redaction_of_a_value_that_was_read(folder):
    (folder / "water_token").write_text("tok-12345")
    secrets.secret("water_token")
    assert "tok-12345" not in secrets.redact("the server said: tok-12345 is expired")
