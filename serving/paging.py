"""Pages: made few at a time, going on where a cursor says, linked to the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from cityhub.errors import Stop
from serving.context import Context
from serving.edge import demand_room


async def made(context: Context, request: Request, page: Callable[[], Response]) -> Response:
    """A page, made in a thread, few at a time, and none while too much waits for slow readers."""
    async with context.builders:
        if await request.is_disconnected():
            raise ConnectionError("the client did not wait")
        demand_room(request.scope, context.limits)
        return await run_in_threadpool(page)


def go_on(
    context: Context, cursor: str | None, asked: dict[str, Any], pins: dict[str, Any], length: int
) -> tuple[dict[str, Any], tuple[str, ...] | None]:
    """What a cursor pinned and the key behind which it goes on, of `length` parts; nothing of both without a cursor.

    Raises `Stop` CH-SERVE-008 where the cursor belongs to another request.
    """
    if cursor is None:
        return {}, None
    pinned, after = context.cursors.read(cursor)
    for name, value in asked.items():
        if pinned.get(name) != value:
            raise Stop("CH-SERVE-008", problem=f"it was given for {name} {pinned.get(name)}")
    for name, value in pins.items():
        if value is not None and pinned.get(name) != value:
            raise Stop("CH-SERVE-008", problem=f"it was given for {name} {pinned.get(name)}")
    if len(after) != length:
        raise Stop("CH-SERVE-008", problem="the dataset has another key since")
    return pinned, tuple(after)


def target(path: str, **parameters: Any) -> str:
    """The path with the parameters that are there."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{path}?{query}" if query else path


def link(path: str, **parameters: Any) -> str:
    """The header `Link` that leads to the next page."""
    return f'<{target(path, **parameters)}>; rel="next"'
