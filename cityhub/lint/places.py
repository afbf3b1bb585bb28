"""Where a feed comes from, as typed: secrets by name, addresses without passwords, placeholders, encodings, topics."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from cityhub.lint.document import Document, Path
from cityhub.lint.meaning import at
from cityhub.lint.problem import Problem, Severity, listed, nearest
from cityhub.lint.shape import is_secret

PLACEHOLDERS = ("day", "day_compact", "month", "day_start", "day_end", "day_start_ms", "day_end_ms")
ENCODINGS = ("utf-8", "gb18030", "gbk", "gb2312", "utf-16", "big5")
_SECRET_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LOGIN_IN_ADDRESS = re.compile(r"://[^/\s@]*:[^/\s@]*@")
_PAIR_IN_ADDRESS = re.compile(r"(?i)[?&](password|passwd|pwd|token|secret|app_?key|api_?key|sign)=(?!\$\{|\{)[^&]+")
_PLACEHOLDER = re.compile(r"\$?\{([^}]*)\}")


def problems(document: Document) -> Iterator[Problem]:
    """All of them."""
    for path, value in _texts(document.mapping("source"), ("source",)):
        yield from _secrets(document, path, value)
        if path[-1] in {"address", "pattern", "listen"} or path[1:2] in {("query",), ("headers",)}:
            yield from _address(document, path, str(value))
    yield from _files(document)
    yield from _topic(document)


def _texts(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for key, value in node.items() if isinstance(node, dict) else ():
        here = (*path, str(key))
        if isinstance(value, dict):
            yield from _texts(value, here)
        else:
            yield here, value


def _secrets(document: Document, path: Path, value: Any) -> Iterator[Problem]:
    """A name is lower-case words joined by `_`; what does not look so is the value itself, and is not printed."""
    key = str(path[-1])
    platform = document.text("platform") or "gas"
    if path[1:2] == ("headers",):
        if key.lower() in {"authorization", "x-api-key", "token", "cookie"} and "${" not in str(value):
            yield at("CH-REG-033", document, path, name=key, example=f"{platform}_token in `auth`")
        return
    if not is_secret(path) or path[1:2] == ("query",):
        return
    name = str(value)
    sure = isinstance(value, str) and _SECRET_NAME.fullmatch(name) and "_" in name
    if not sure and value is not None:
        weak = isinstance(value, str) and name.isalpha() and name.islower()
        severity: Severity = "warning" if weak else "error"
        yield at("CH-REG-033", document, path, severity=severity, name=key, example=f"{platform}_{key}")


def _address(document: Document, path: Path, text: str) -> Iterator[Problem]:
    if path[-1] in {"address", "listen"} and (_LOGIN_IN_ADDRESS.search(text) or _PAIR_IN_ADDRESS.search(text)):
        kind = document.text("source", "kind")
        example = "auth: {kind: basic, user: gas_user, password: gas_password}"
        yield at("CH-REG-034", document, path, example=example if kind == "rest" else "user: … and password: …")
    for match in _PLACEHOLDER.finditer(text):
        name = match[1]
        if match[0].startswith("$"):
            if not re.fullmatch(r"[A-Za-z0-9_]+", name):
                yield at("CH-REG-044", document, path, name=match[0], advice="a name has letters, digits and _ only",
                         known="${gas_url}")  # fmt: skip
        elif name not in PLACEHOLDERS:
            near = nearest(name, PLACEHOLDERS, 0.5)
            known = listed(f"{{{item}}}" for item in PLACEHOLDERS)
            advice = f"type {{{near}}}" if near else f"type ${{{name}}} for a name, or one of them"
            yield at("CH-REG-044", document, path, name=match[0], advice=advice, known=known)


def _files(document: Document) -> Iterator[Problem]:
    encoding, delimiter = document.text("source", "encoding"), document.text("source", "delimiter")
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            near = {"ansi": "gb18030", "chinese": "gb18030"}.get(encoding.lower()) or nearest(encoding, ENCODINGS, 0.4)
            yield at("CH-REG-045", document, ("source", "encoding"), what="encoding", value=encoding,
                     advice=f"type `{near or 'utf-8'}`", known=listed(ENCODINGS))  # fmt: skip
    if delimiter is not None and len(delimiter) != 1:
        meant = {"tab": '"\\t"', "\\t": '"\\t"', "comma": '","', "semicolon": '";"'}.get(delimiter.lower(), '","')
        yield at("CH-REG-045", document, ("source", "delimiter"), what="delimiter", value=delimiter,
                 advice=f"type {meant}", known="one sign between quotes")  # fmt: skip
    if delimiter == "," and document.text("source", "decimal") == ",":
        yield at("CH-REG-045", document, ("source", "decimal"), what="decimal", value=",",
                 advice='type `delimiter: ";"`', known="two different signs for columns and decimals")  # fmt: skip
    xml = document.text("source", "format") == "xml" and document.text("source", "kind") == "files"
    if xml and not document.text("source", "record"):
        yield at("CH-REG-047", document, ("source", "format"), what="format: xml", lacks="`record: …`, the element")


def _topic(document: Document) -> Iterator[Problem]:
    topic = document.text("source", "topic")
    if document.text("source", "kind") != "mqtt" or topic is None:
        return
    wrong = None
    parts = topic.removeprefix("$share/").split("/")
    if topic != topic.strip() or " " in topic:
        wrong = "it holds a space"
    elif "*" in topic or "＋" in topic or "＃" in topic:
        wrong = "MQTT's signs are + (one level) and # (the rest)"
    elif any("#" in part and part != "#" for part in parts) or "#" in parts[:-1]:
        wrong = "# stands alone and last"
    elif any("+" in part and part != "+" for part in parts):
        wrong = "+ stands for one whole level"
    elif topic.startswith("/"):
        wrong = "a leading / makes an empty first level"
    if wrong:
        likely = re.sub(r"\*+", "+", topic.strip().strip("/").replace("＋", "+").replace("＃", "#").replace(" ", ""))
        likely = "/".join("+" if "+" in part else part for part in likely.split("/"))
        severity: Severity = "warning" if wrong.startswith("a leading") else "error"
        yield at("CH-REG-046", document, ("source", "topic"), severity=severity, value=topic, detail=wrong,
                 likely=likely)  # fmt: skip
