"""The letters of a spec file: tabs, Chinese punctuation and other things that YAML cannot read, all at once.

Each is repaired in a copy, so that the mistakes that follow can be told in the same run.
"""

from __future__ import annotations

import re

from cityhub.lint.document import Document, MarkedYAMLError, compose
from cityhub.lint.problem import Problem, problem

_NAMES = {
    "：": "Chinese colon", "，": "Chinese comma", "“": "Chinese quotation mark", "”": "Chinese quotation mark",
    "‘": "Chinese quotation mark", "’": "Chinese quotation mark", "｛": "full-width bracket",
    "｝": "full-width bracket", "［": "full-width bracket", "］": "full-width bracket", "【": "Chinese bracket",
    "】": "Chinese bracket", "　": "full-width space", "\xa0": "no-break space", "－": "full-width hyphen",
    "＃": "full-width number sign",
}  # fmt: skip
_PLAIN = {
    "：": ": ", "，": ", ", "“": '"', "”": '"', "‘": "'", "’": "'", "｛": "{", "｝": "}", "［": "[", "］": "]",
    "【": "[", "】": "]", "　": " ", "\xa0": " ", "－": "-", "＃": "#",
}  # fmt: skip
_KEY = r"[A-Za-z_][\w.]*"
# What stands where YAML needs a sign of its own: (pattern, group that is wrong).
_WRONG = [
    re.compile(rf"^\s*(?:- )?{_KEY}\s*(：)"),
    re.compile(rf"[{{,，]\s*{_KEY}\s*(：)"),
    re.compile(rf"(，)\s*{_KEY}\s*[:：]"),
    re.compile(r"\[[^\]]*?\w\s*(，)"),
    re.compile(r"[:：]\s*([｛［【])"),
    re.compile(r"([｝］】])\s*$"),
    re.compile(r"[:：]\s*([“‘])[^“”‘’]*[”’]\s*[,，}\]]?\s*$"),
    re.compile(r"[:：]\s*[“‘][^“”‘’]*([”’])\s*[,，}\]]?\s*$"),
    re.compile(r"^\s*(－)\s"),
    re.compile(r"^\s*(＃)"),
    re.compile(r"^[ ]*([　\xa0])"),
]
_WIDE_KEY = re.compile(r"^\s*(?:- )?(\w*[Ａ-Ｚａ-ｚ０-９＿][\wＡ-Ｚａ-ｚ０-９＿]*)\s*[:：]")
_NO_SPACE = re.compile(rf"^(\s*(?:- )?({_KEY})):([^\s/:].*)$")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")


def decoded(raw: bytes, file: str) -> tuple[str, list[Problem]]:
    """The file's text; one that is no UTF-8 is read as what it fits, to go on with its other mistakes."""
    try:
        return raw.decode("utf-8").removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
    try:
        text, likely = raw.decode("gb18030"), "GB18030 (ANSI)"
    except UnicodeDecodeError:
        text, likely = raw.decode("utf-8", "replace"), "another encoding"
    return text, [problem("CH-REG-005", file, line, likely=likely)]


def repaired(text: str, file: str) -> tuple[str, list[Problem]]:
    """The text with such signs replaced, and a problem for each line that held one."""
    found: list[Problem] = []
    lines = []
    block: int | None = None  # indentation of a block text, in which all signs are free
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if block is not None and (not line.strip() or indent > block):
            lines.append(line)
            continue
        block = indent if re.search(r":\s*[|>][-+]?\s*(#.*)?$", line) else None
        lines.append(_line(line, number, file, found))
    return "\n".join(lines) + "\n", found


def _line(line: str, number: int, file: str, found: list[Problem]) -> str:
    lead = line[: len(line) - len(line.lstrip())]
    if "\t" in lead:
        found.append(problem("CH-REG-001", file, number))
        line = lead.replace("\t", "  ") + line[len(lead) :]
    wide = _WIDE_KEY.match(line)
    if wide:
        plain = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in wide[1])
        found.append(problem("CH-REG-002", file, number, wide[1], sign=wide[1], name="full-width letter", plain=plain))
        line = line[: wide.start(1)] + plain + line[wide.end(1) :]
    line = _signs(line, number, file, found)
    missing = _NO_SPACE.match(line)
    if missing and not missing[3].startswith(("//", "$")):
        found.append(problem("CH-REG-008", file, number, missing[2], typed=f"{missing[2]}: …"))
        line = f"{missing[1]}: {missing[3]}"
    return line


def _signs(line: str, number: int, file: str, found: list[Problem]) -> str:
    told: set[str] = set()
    for _ in range(60):  # each turn repairs one sign; quotes and comments are left as they are
        bare = _without_quotes(line)
        hit = next((match for pattern in _WRONG if (match := pattern.search(bare))), None)
        if hit is None:
            return line
        sign, at = hit[1], hit.start(1)
        if sign not in told:
            told.add(sign)
            shown = _PLAIN[sign].strip() or "a space"
            found.append(problem("CH-REG-002", file, number, sign=sign, name=_NAMES[sign], plain=shown))
        line = line[:at] + _PLAIN[sign] + line[at + 1 :]
    return line


def _without_quotes(line: str) -> str:
    """The line with quoted texts and its comment blanked out, of the same length."""
    blank = _QUOTED.sub(lambda match: "x" * len(match[0]), line)
    comment = re.search(r"(^|\s)#", blank)
    return blank if comment is None else blank[: comment.start()] + " " * (len(blank) - comment.start())


def parsed(raw: bytes, file: str) -> tuple[Document | None, str, list[Problem]]:
    """The document as far as it can be read, the repaired text, and what was wrong with its letters."""
    text, found = decoded(raw, file)
    text, signs = repaired(text, file)
    found += signs
    try:
        document = compose(text, file)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        if not any(abs(item.line - line) <= 1 for item in found):
            found.append(problem("CH-REG-004", file, line, detail=_plain(error, text, line), typed=_typed(text, line)))
        return None, text, found
    except ValueError:
        return None, text, [*found, problem("CH-REG-006", file, 1)]
    for path, first, second in document.twice:
        key = ".".join(map(str, path))
        found.append(problem("CH-REG-003", file, second, key, name=path[-1], first=first))
    return document, text, found


def _typed(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line - 1].strip()[:60] if 0 < line <= len(lines) else "end of file"


def _plain(error: MarkedYAMLError, text: str, line: int) -> str:
    """What the YAML reader stumbled over, in words."""
    said = f"{error.context or ''} {error.problem or ''}"
    here = _typed(text, line)
    if "mapping values are not allowed" in said:
        return "a second `: ` in one line, or a line that is indented too far; put quotes round a text that holds `: `"
    if "block end" in said or "could not find expected ':'" in said or "did not find expected key" in said:
        return "the indentation does not fit the lines above (two spaces a level), or a key lacks its `: `"
    if "flow mapping" in said or "flow sequence" in said or "expected ',' or" in said:
        return "a bracket { or [ is not closed, or a comma is missing between two entries"
    if "quoted scalar" in said or "end of stream" in said:
        return "a quotation mark is not closed"
    if here.startswith(("%", "@", "`", "&", "*", "!")) or "cannot start any token" in said or "alias" in said:
        return "a text that begins with one of % @ ` & * ! | > needs quotes round it"
    return " ".join(said.split())
