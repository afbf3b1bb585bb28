"""Edit a spec file and leave everything else as its people wrote it: comments, order, quotes, blank lines.

Only the characters of the changed value are replaced (the YAML library says where it stands), so what is not named
in a change cannot change. A path is `fields.kpa.max`, or a tuple where a key holds a dot; list items count from 0.
After each edit the file is read again: an edit that would have another effect than the one asked for is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from cityhub.errors import Stop
from cityhub.files import write_text
from cityhub.spec.emit import block, entry, flow, scalar

Step = str | int
AnyPath = str | Sequence[Step]
REMOVE: Final = object()  # as a value in `edit_file`: take the key out


def edit_file(path: Path, changes: Mapping[str | tuple[Step, ...], Any]) -> bool:
    """Set (or `REMOVE`) each path in a spec file; one atomic write of the whole file, none when nothing changes.

    Gives whether the file changed. Raises `Stop` CH-FEED-003 for a file that is no YAML, CH-FEED-005 for an edit
    that the file's shape does not allow.
    """
    before = after = read_text(path)
    for where, value in changes.items():
        after = remove(after, where, file=path) if value is REMOVE else put(after, where, value, file=path)
    if after != before:
        write_text(path, after, sync=True)
    return after != before


def read_text(path: Path) -> str:
    """The file's text with its own line ends; raises `Stop` CH-FEED-003 when it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Stop("CH-FEED-003", file=str(path), line=1, detail=f"not UTF-8: {error.reason}") from None


def data_of(text: str, file: Path | str = "") -> Any:
    """What the text means, as plain dicts, lists and scalars; raises `Stop` CH-FEED-003."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        detail = getattr(error, "problem", None) or "it cannot be read"
        raise Stop("CH-FEED-003", file=str(file), line=mark.line + 1 if mark else 1, detail=detail) from None


def put(text: str, path: AnyPath, value: Any, *, file: Path | str = "") -> str:
    """The text with the value at the path; parents that are missing are made, a list grows at its end."""
    steps = _steps(path)
    data = data_of(text, file)
    wanted = _copy(data) if data is not None else {}
    _set(wanted, steps, value, file)
    return text if same(wanted, data) else _checked(_put(text, steps, value, file), wanted, steps, file)


def remove(text: str, path: AnyPath, *, file: Path | str = "") -> str:
    """The text without the key or item at the path; the same text when it is not there."""
    steps = _steps(path)
    wanted = parent = _copy(data_of(text, file))
    for step in steps[:-1]:
        if not _has(parent, step):
            return text
        parent = parent[step]
    if not _has(parent, steps[-1]):
        return text
    del parent[steps[-1]]
    return _checked(_remove(text, steps, bool(parent)), wanted, steps, file)


def merged(text: str, wanted: Mapping[str, Any], *, file: Path | str = "") -> str:
    """The text changed as little as possible so that it means `wanted` (keys that `wanted` lacks are removed)."""
    return _merge(text, (), data_of(text, file), wanted, file)


def _merge(text: str, at: tuple[Step, ...], have: Any, want: Any, file: Path | str) -> str:
    if same(have, want):
        return text
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        for key in [key for key in have if key not in want]:
            text = remove(text, (*at, key), file=file)
        for key, value in want.items():
            text = _merge(text, (*at, key), have[key], value, file) if key in have else put(
                text, (*at, key), value, file=file
            )  # fmt: skip
        return text
    if isinstance(have, list) and isinstance(want, (list, tuple)) and have and want:
        return _merge_list(text, at, have, list(want), file)
    return put(text, at, want, file=file)


def _merge_list(text: str, at: tuple[Step, ...], have: list[Any], want: list[Any], file: Path | str) -> str:
    """Items that stay keep their comments; only those that go or change are touched."""
    left, right = ([flow(item) for item in items] for items in (have, want))
    moves = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    inserts = any(kind == "insert" and j2 < len(right) for kind, _, _, _, j2 in moves)
    if inserts or any(kind == "replace" and i2 - i1 < j2 - j1 and i2 < len(left) for kind, i1, i2, j1, j2 in moves):
        return put(text, at, want, file=file)  # something new in the middle: the list is written anew
    for _, i1, i2, j1, j2 in reversed([move for move in moves if move[0] != "equal"]):
        common = min(i2 - i1, j2 - j1)
        for number in reversed(range(i1 + common, i2)):
            text = remove(text, (*at, number), file=file)
        for number in range(common):
            text = _merge(text, (*at, i1 + number), have[i1 + number], want[j1 + number], file)
        for number in range(j1 + common, j2):
            text = put(text, (*at, i1 + number - j1), want[number], file=file)
    return text


def same(one: Any, other: Any) -> bool:
    """Equal as a spec means it: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _steps(path: AnyPath) -> tuple[Step, ...]:
    if isinstance(path, str):
        return tuple(int(part) if part.isdecimal() else part for part in path.split("."))
    return tuple(path)


def _has(parent: Any, step: Step) -> bool:
    if isinstance(parent, list):
        return isinstance(step, int) and 0 <= step < len(parent)
    return isinstance(parent, Mapping) and step in parent


def _copy(data: Any) -> Any:
    """A copy in which nothing is shared: what an anchor and its aliases name becomes two things."""
    if isinstance(data, Mapping):
        return {key: _copy(item) for key, item in data.items()}
    return [_copy(item) for item in data] if isinstance(data, list) else data


def _set(data: Any, steps: tuple[Step, ...], value: Any, file: Path | str) -> None:
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        empty: Any = [] if not last and steps[number + 1] == 0 else {}
        if isinstance(data, list) and step == len(data):
            data.append(value if last else empty)
        elif isinstance(data, Mapping) and (last or data.get(step) is None) and isinstance(data, dict):
            data[step] = value if last else empty
        elif last and _has(data, step):
            data[step] = value
        elif not _has(data, step):
            raise _refused(steps, file, f"there is no place for {step!r}")
        data = data[step]


def _refused(steps: tuple[Step, ...], file: Path | str, detail: str) -> Stop:
    return Stop("CH-FEED-005", file=str(file) or None, field=".".join(map(str, steps)), detail=detail)


def _checked(text: str, wanted: Any, steps: tuple[Step, ...], file: Path | str) -> str:
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise _refused(steps, file, f"the result would be no YAML ({getattr(error, 'problem', '')})") from None
    if not same(found if found is not None else {}, wanted):
        raise _refused(steps, file, "anchors, tags or an unusual layout stand in the way")
    return text


# -- where a value stands in the text ----------------------------------------------------------------------------


def _child(node: Node, step: Step) -> tuple[Node, Node] | None:
    """Key node (a list: the value's) and value node."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key, value
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _end(node: Node, text: str) -> int:
    """Index after the node's last character: a block collection's own mark lies behind the comments that follow."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last, text)
    end = int(node.end_mark.index)
    start = int(node.start_mark.index)
    return max(start, start + len(text[start:end].rstrip()))


def _is_flow(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Index after the line break, or the end of the text."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _put(text: str, steps: tuple[Step, ...], value: Any, file: Path | str) -> str:
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        head = text if not text or text.endswith("\n") else text + "\n"
        return head + _written(_nested(steps, value), 0, text)
    in_flow = False
    for number, step in enumerate(steps):
        in_flow = in_flow or _is_flow(node)
        found = _child(node, step)
        if found is None:
            return _insert(text, node, step, _nest(steps[number + 1 :], value), in_flow)
        key, node = found
        if not isinstance(node, (MappingNode, SequenceNode)) or not node.value:
            rest = _nest(steps[number + 1 :], value)
            return _replace(text, key, node, rest, in_flow)
    return _replace(text, key, node, value, in_flow)


def _nest(steps: tuple[Step, ...], value: Any) -> Any:
    for step in reversed(steps):
        value = [value] if step == 0 else {step: value}
    return value


def _nested(steps: tuple[Step, ...], value: Any) -> dict[Step, Any]:
    return {steps[0]: _nest(steps[1:], value)}


def _written(mapping: Mapping[Step, Any], indent: int, text: str) -> str:
    pad = " " * indent
    lines = "".join(f"{pad}{scalar(str(key))}:{block(item, indent)}\n" for key, item in mapping.items())
    return lines.replace("\n", _newline(text))


def _replace(text: str, key: Node, node: Node, value: Any, in_flow: bool) -> str:
    start, end = int(node.start_mark.index), _end(node, text)
    if in_flow or _is_flow(node):
        new = flow(value)
    else:
        depth = int(key.start_mark.column) - (2 if key is node else 0)
        new = block(value, depth).replace("\n", _newline(text))
    if key is not node:  # from behind the colon on, so that an empty value and a block value are one case
        colon = text.index(":", int(key.end_mark.index))
        gap = text[colon + 1 : start]
        keeps = gap if gap.strip(" ") == "" and gap and not new.startswith(("\n", "\r")) else ""
        return (
            text[: colon + 1]
            + (keeps + new.lstrip(" ") if keeps else " " * (new[:1] not in " \r\n") + new)
            + (text[max(end, colon + 1) :])
        )
    return text[:start] + new.strip() + text[end:]


def _insert(text: str, node: Node, step: Step, value: Any, in_flow: bool) -> str:
    if in_flow:
        close = int(node.end_mark.index) - 1
        item = flow(value) if isinstance(node, SequenceNode) else f"{scalar(str(step), flow=True)}: {flow(value)}"
        at = _end(node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1], text) if node.value else close
        return text[:at] + (", " if node.value else "") + item + text[at:]
    indent = int(node.start_mark.column)
    at = _line_end(text, _end(node, text))
    head = text[:at] if text[:at].endswith("\n") else text[:at] + _newline(text)
    if isinstance(node, SequenceNode):
        dashed = f"{' ' * indent}-{entry(value, indent)}\n"
        return head + dashed.replace("\n", _newline(text)) + text[at:]
    return head + _written({step: value}, indent, text) + text[at:]


def _remove(text: str, steps: tuple[Step, ...], others: bool) -> str:
    node: Node = YAML(typ="safe", pure=True).compose(text)
    parents: list[tuple[Node, Node]] = []
    in_flow = _is_flow(node)
    for step in steps:
        found = _child(node, step)
        assert found is not None
        parents.append((found[0], node))
        in_flow, node = _is_flow(node), found[1]
    key, parent = parents[-1]
    start, end = int(key.start_mark.index), _end(node, text)
    if in_flow:
        return _cut_flow(text, parent, key, start, end)
    if not others:  # the last entry of a block: an empty collection stays
        empty = "{}" if isinstance(parent, MappingNode) else "[]"
        begin = int(parent.start_mark.index)
        before = text[:begin].rstrip()
        return f"{before} {empty}{_newline(text)}{text[_line_end(text, end) :]}".lstrip(" ")
    begin = _line_start(text, start)
    lead = text[begin:start]
    if isinstance(parent, MappingNode) and "-" in lead:  # the first key on the line of a list's dash
        following = int(parent.value[1][0].start_mark.index)
        return text[:start] + text[following:]
    return text[:begin] + text[_line_end(text, end) :]


def _cut_flow(text: str, parent: Node, key: Node, start: int, end: int) -> str:
    entries = [item[0] if isinstance(item, tuple) else item for item in parent.value]
    number = entries.index(key)
    if number + 1 < len(entries):
        return text[:start] + text[int(entries[number + 1].start_mark.index) :]
    if number:
        before = parent.value[number - 1]
        return text[: _end(before[1] if isinstance(before, tuple) else before, text)] + text[end:]
    return text[:start] + text[end:]
