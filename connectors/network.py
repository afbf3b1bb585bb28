"""What went wrong on the way to a host: one error of the hub for each cause that needs another remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from cityhub.errors import HubError, Retry, Stop

_TIMEOUTS = {"ReadTimeout", "ReadTimeoutError", "ConnectTimeoutError"}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that is wrapped in it: the real cause is in `reason`, `args` or the chain."""
    todo, seen = [error], set[int]()
    while todo:
        item = todo.pop(0)
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        inner = [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]
        todo += [cause for cause in inner if isinstance(cause, BaseException)]


def explain(error: BaseException, *, host: str, port: int | str, seconds: float, **place: object) -> HubError:
    """The hub's error for a failed connection or transfer. `place` names at least the feed.

    Unknown host, certificate → `Stop`; silent name server, refusal, time-out, broken line → `Retry`.
    """
    place = {"host": host, **place}
    found: HubError | None = None
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            silent = cause.errno in {socket.EAI_AGAIN, socket.EAI_FAIL}
            found = Retry("CH-PULL-002", **place) if silent else Stop("CH-PULL-001", **place)
        elif isinstance(cause, ssl.SSLError):
            found = Stop("CH-PULL-004", detail=_plain(cause), **place)
        elif isinstance(cause, ConnectionRefusedError):
            found = Retry("CH-PULL-003", port=port, **place)
        elif isinstance(cause, TimeoutError) or type(cause).__name__ in _TIMEOUTS:
            found = Retry("CH-PULL-005", port=port, seconds=f"{seconds:g}", **place)
        if found:
            return found
    broken = next((cause for cause in _causes(error) if type(cause).__name__ == "IncompleteRead"), None)
    if broken is not None:
        return Retry("CH-PULL-006", detail=_plain(broken), **place)
    innermost = [error, *(cause for cause in _causes(error) if isinstance(cause, OSError))][-1]
    return Retry("CH-PULL-022", detail=_plain(innermost), **place)


def _plain(error: BaseException) -> str:
    """The last word of an error, without object addresses and on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]
