"""The page about faults is the one that the catalogue gives."""

from tests.faults.table import PAGE, page


def test_the_page_is_made_from_the_catalogue():
    assert PAGE.read_text(encoding="utf-8") == page()
