"""The names around the records of an answer: which of them count, page, go on or say that a call failed."""

from __future__ import annotations

from typing import Any

from cityhub.draft.words import plain

_PAGE = ("pageno", "pagenum", "pageindex", "currentpage", "curpage", "current", "page", "pn", "p")
_SIZE = ("pagesize", "perpage", "limit", "size", "rows", "count", "num", "ps", "n")
_OFFSET = ("offset", "start", "skip", "startindex", "from", "begin")
_CURSOR = (
    "nextcursor", "nextpagetoken", "nexttoken", "continuationtoken", "continuation", "scrollid", "nextid", "nextidx",
    "nextseq", "cursor", "next", "marker", "after", "lastid", "lastseq", "idx", "index", "position", "pos", "seq",
)  # fmt: skip
_TOTAL = (
    "total", "totalcount", "totalnum", "totalrecords", "totalrows", "recordstotal", "totalelements", "totalsize",
    "recordcount", "allcount", "count", "zs",
)  # fmt: skip
_MORE = ("hasmore", "hasnext", "hasnextpage", "more", "morerows", "ismore", "moredata")
_END = ("islast", "last", "isend", "end", "finished", "eof", "lastpage", "complete")
_NO = {"n", "no", "false", "0", "否", ""}
_YES = {"y", "yes", "true", "1", "是"}
_GOOD = ("0", "200", "success", "ok", "true", "00000", "0000", "1")
_CODE = (
    "code",
    "errcode",
    "errorcode",
    "status",
    "statuscode",
    "state",
    "success",
    "resultcode",
    "ret",
    "retcode",
    "rc",
)
_TEXT = ("msg", "message", "errmsg", "errormsg", "info", "desc", "retmsg")


def scalars(node: Any, path: str = "", depth: int = 0) -> dict[str, Any]:
    """Dotted path → value, of everything in an answer that is no list and not inside one."""
    if isinstance(node, dict) and depth < 5:
        found: dict[str, Any] = {}
        for key, value in node.items():
            found |= scalars(value, f"{path}.{key}" if path else str(key), depth + 1)
        return found
    return {} if isinstance(node, (dict, list)) or not path else {path: node}


def _first(names: tuple[str, ...], paths: dict[str, Any]) -> str | None:
    """The path whose last part is one of the names, by the order of the names."""
    last = {path: plain(path.rpartition(".")[2]) for path in paths}
    return next((path for name in names for path, own in last.items() if own == name), None)


def total_at(envelope: Any, count: int) -> str | None:
    """The path of a number that may be the total of all records, when `count` came."""
    numbers = {path: value for path, value in scalars(envelope).items() if _is_count(value) and int(value) >= count}
    return _first(_TOTAL, numbers)


def paging(envelope: Any, typed: dict[str, str], count: int) -> tuple[dict[str, Any], str]:
    """The paging model and why. `typed` are the parameters of the call that was made, `count` its records."""
    around = scalars(envelope)
    total = total_at(envelope, count)
    more, words = _more(around)
    size = _first(_SIZE, typed)
    limit = {"size": int(typed[size])} if size and typed[size].isdecimal() else {}
    ends = ({"total_at": total} if total else {}) | ({"more_at": more, "more": words} if more else {})
    cursor = _first(_CURSOR, {path: v for path, v in around.items() if path != more and not isinstance(v, bool)})
    named = _first(_CURSOR, typed)
    if cursor and (more or named or plain(cursor.rpartition(".")[2]).startswith(("next", "cursor", "scroll"))):
        own = cursor.rpartition(".")[2]
        param = named or _uncapped(own.removeprefix("next").removeprefix("_") if own != "next" else "cursor")
        made = {"kind": "cursor", "cursor_param": param, "cursor_at": cursor, "size_param": size, **limit, **ends}
        return made, f"{own} in the answer is where the next call begins; is the parameter {param}?"
    counted = {name: value for name, value in typed.items() if value.isdecimal()}
    offset, page = _first(_OFFSET, counted), _first(_PAGE, counted)
    if offset:
        made = {"kind": "offset", "offset_param": offset, **({"size_param": size} if size else {}), **limit, **ends}
        return made, f"the address has {offset}"
    if page:
        first = {"first": 0} if typed[page] == "0" else {}
        made = {"kind": "page", "page_param": page, **({"size_param": size} if size else {}), **limit, **first, **ends}
        return made, f"the address has {page}"
    return _from_answer(around, total, count, ends)


def _from_answer(
    around: dict[str, Any], total: str | None, count: int, ends: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """Without parameters in the address: the answer may repeat its own names for them."""
    names = {path.rpartition(".")[2]: value for path, value in around.items() if path != total}
    page, size, offset = (_first(group, names) for group in (_PAGE, _SIZE, _OFFSET))
    partly = (total is not None and int(around[total]) > count) or bool(ends.get("more_at"))
    if not partly and not (page and size):
        whole = f"all {count} records came at once" if total else "no total, page or cursor in the answer"
        return {"kind": "none"}, f"{whole}; ask the vendor whether a longer list has pages"
    if offset and not page:
        made = {"kind": "offset", "offset_param": offset, **({"size_param": size} if size else {}), **ends}
        return made, f"the answer names {offset}"
    made = {"kind": "page", **({"page_param": page} if page else {}), **({"size_param": size} if size else {}), **ends}
    why = f"the answer names {page}" if page else f"{count} of {around.get(total or '', '?')} records came"
    return made, f"{why}; look up the parameters"


def _more(around: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The flag that says whether more follows, and the words that say yes."""
    for names, good in ((_MORE, _YES), (_END, _NO)):
        path = _first(names, {p: v for p, v in around.items() if str(v).lower() in _YES | _NO})
        if path is not None:
            like = str(around[path])
            pairs = [("Y", "N"), ("y", "n"), ("true", "false"), ("1", "0"), ("yes", "no"), ("是", "否")]
            pair = next((item for item in pairs if like in item), ("true", "false"))
            if isinstance(around[path], bool):
                pair = ("true", "false")
            return path, [pair[0] if good is _YES else pair[1]]
    return None, []


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and str(value).isdecimal() and len(str(value)) < 12


def _uncapped(text: str) -> str:
    return text[:1].lower() + text[1:]


def error_rule(envelope: Any, records_at: str) -> dict[str, Any] | None:
    """How a failure with HTTP 200 would be seen: the code of this good answer."""
    around = scalars(envelope)
    flag = _first(("haserror", "iserror"), around)
    text = _first(_TEXT, around)
    said = {"message_at": text} if text else {}
    if flag and around[flag] is False:
        return {"at": flag, "bad": True, **said}
    good = {path: value for path, value in around.items() if str(value).lower() in _GOOD}
    code = _first(_CODE, good)
    return {"at": code, "ok": around[code], **said} if code and records_at != code else None
