"""The page about registering says what the checks really say."""

from tests.register.page import PAGE, written


def test_the_tables_of_the_page_are_those_of_the_tests() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run `python -m tests.register.page`"
