"""Only signed binaries are loaded, and one that was changed after its check is checked again."""

from pathlib import Path

import pytest

from cityhub.errors import Stop
from cityhub.settings import Settings
from warehouse import extensions, lake


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path, Path("feeds"), str(tmp_path / "lake" / "catalog.sqlite"), str(tmp_path / "lake" / "data"))


def _own(settings, name: str) -> Path:
    """A copy of a binary in place of the link to it."""
    link = next(extensions.directory(settings).rglob(f"{name}.duckdb_extension"))
    content = link.resolve().read_bytes()
    link.unlink()
    link.write_bytes(content)
    return link


def _flip(binary: Path) -> None:
    content = bytearray(binary.read_bytes())
    content[len(content) // 2] ^= 1
    other = binary.with_suffix(".other")
    other.write_bytes(content)
    other.replace(binary)  # in its place: this process may have the old one mapped


def test_a_binary_that_nobody_signed_is_refused(settings):
    _flip(_own(settings, "ducklake"))
    with pytest.raises(Stop) as refused:
        lake.connect(settings)
    assert refused.value.code == "CH-LAKE-009"
    assert "signature" in refused.value.text()


def test_a_binary_that_changes_after_its_check_is_checked_again(settings):
    binary = _own(settings, "ducklake")
    lake.connect(settings).close()
    _flip(binary)
    with pytest.raises(Stop, match="CH-LAKE-009"):
        lake.connect(settings)
