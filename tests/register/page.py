"""The tables of docs/register-check.md, made from the mistakes that the tests make.

`python -m tests.register.page` writes them into the page; a test says when they are old.
"""

from __future__ import annotations

from pathlib import Path

from cityhub.errors import catalogue
from tests.register.typed import TYPED

PAGE = Path(__file__).parents[2] / "docs" / "register-check.md"
BEGIN, END = "<!-- begin: {} -->\n", "<!-- end: {} -->\n"


def typed() -> str:
    """Mistakes in the file itself."""
    lines = ["| mistake | typed | code | the check says at the line |", "|---|---|---|---|"]
    for item in TYPED:
        shown = (
            item.new.strip("\n ").splitlines()[-1].strip(" ")[:48] if item.new.strip() else f"(no {item.key or 'text'})"
        )
        lines.append(f"| {item.what} | `{_cell(shown)}` | {item.code} | {_cell(item.words)} |")
    return "\n".join(lines) + "\n"


def sources() -> str:
    """Mistakes that the source shows."""
    from tests.register.test_mistakes import MISTAKES

    lines = ["| mistake | shown by | code | remedy |", "|---|---|---|---|"]
    for made, step, code, remedy in MISTAKES:
        by = "preview" if step in {"preview", "advice"} else f"connect, step *{step}*"
        known = code if code in catalogue() else f"{code}…"
        lines.append(f"| {made.__name__.replace('_', ' ')} | {by} | {known} | {_cell(remedy)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\t", "→")


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, table in (("typed", typed()), ("sources", sources())):
        begin, end = BEGIN.format(name), END.format(name)
        head, _, rest = page.partition(begin)
        page = head + begin + table + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
