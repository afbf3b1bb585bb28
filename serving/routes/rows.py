"""Rows and what changed: pages in the order of the key, pinned to the publication that the first page read."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from cityhub.errors import HubError
from extracts import records as rows
from extracts.datasets import Dataset
from serving import formats
from serving.answers import CACHED, VARY, answer, etag_of, fresh, not_modified
from serving.context import Context, dataset_of, key_of
from serving.paging import go_on, link, made
from serving.parameters import AsOf, Cursor, DatasetId, Limit, Period, Since, Unit, known_only
from serving.problems import Problem
from serving.routes import shapes


def router(context: Context) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix="/v1/datasets/{id}", dependencies=[Depends(known_only)], tags=["rows"])

    @routes.get("/records", responses=_RECORDS)
    async def records(
        request: Request,
        id: DatasetId,
        period: Period = None,
        unit: Unit = None,
        as_of: AsOf = None,
        limit: Limit = None,
        cursor: Cursor = None,
    ) -> Response:
        """Rows as of a publication, in the order of the key. Follow `next`; a new publication changes no page.

        JSON, CSV (`text/csv`) or Arrow (`application/vnd.apache.arrow.stream`), as `Accept` says. CSV and Arrow carry
        `next` in the header `Link`, and all of them the publication in `CityHub-As-Of`.
        """
        dataset, kind = dataset_of(request, id), formats.wanted(request)
        asked = {"path": "records", "id": id, "period": period, "unit": unit}
        pinned, after = go_on(context, cursor, asked, {"as_of": as_of}, len(dataset.key))
        at = pinned.get("as_of") or as_of or context.shelf.latest() or 0
        key, size = key_of(request), limit or context.limits.page
        headers = {"CityHub-As-Of": str(at), "Cache-Control": CACHED, "Vary": VARY}
        headers["ETag"] = etag_of(key.scope.fingerprint(), asked, at, after, size, kind)
        if fresh(request, headers["ETag"]):
            return not_modified(headers)

        def page() -> Response:
            _demand(context, dataset, at)
            found = rows.records(
                context.shelf.store,
                dataset.id,
                at=at,
                period=period,
                unit=unit,
                after=after,
                limit=size + 1,
                only=key.scope.only,
            )
            following = None
            if len(found) > size:
                last = list(rows.key_of(dataset.id, found[size - 1]))
                following = context.cursors.make(asked | {"as_of": at}, last)
                headers["Link"] = link(request.url.path, cursor=following, limit=limit, period=period, unit=unit)
            if kind == formats.CSV:
                return Response(formats.csv(dataset, found[:size]), 200, headers, "text/csv; charset=utf-8")
            if kind == formats.ARROW:
                return Response(formats.arrow(dataset, found[:size]), 200, headers, formats.ARROW)
            content = {"as_of": at, "items": found[:size], "next": following}
            return answer(request, content, headers=headers)

        return await made(context, request, page)

    @routes.get("/changes", responses=shapes.ok(shapes.CHANGES, 404, 410))
    async def changes(
        request: Request, id: DatasetId, since: Since, limit: Limit = None, cursor: Cursor = None
    ) -> Response:
        """What differs between the publication that you hold (`since`) and the newest (`to`), once for each key.

        Follow `next` to the end, apply all pages, then keep `to`: it is the next `since`. 410 says that `since` is too
        old and where to begin anew.
        """
        dataset = dataset_of(request, id)
        asked = {"path": "changes", "id": id, "since": since}
        pinned, after = go_on(context, cursor, asked, {}, len(dataset.key))
        latest = context.shelf.latest() or 0
        to = pinned.get("to", latest)
        key, size = key_of(request), limit or context.limits.page
        etag = etag_of(key.scope.fingerprint(), asked, to, after, size)
        if fresh(request, etag):
            return not_modified({"ETag": etag, "Cache-Control": CACHED, "Vary": VARY})

        def page() -> Response:
            _demand(context, dataset, since, to)
            found = rows.changes(
                context.shelf.store,
                dataset.id,
                since=since,
                to=to,
                after=after,
                limit=size + 1,
                only=key.scope.only,
            )
            following, headers = None, {"ETag": etag}
            if len(found) > size:
                last = [str(found[size - 1]["key"][name]) for name in dataset.key]
                following = context.cursors.make(asked | {"to": to}, last)
                headers["Link"] = link(request.url.path, since=since, cursor=following, limit=limit)
            content = {"since": since, "to": to, "items": found[:size], "next": following}
            return answer(request, content, headers=headers)

        return await made(context, request, page)

    return routes


_RECORDS: dict[int | str, dict[str, Any]] = shapes.ok(shapes.RECORDS, 404, 410)
_RECORDS[200]["content"]["text/csv"] = {"schema": {"type": "string"}}
_RECORDS[200]["content"][formats.ARROW] = {"schema": {"type": "string", "format": "binary"}}


def _demand(context: Context, dataset: Dataset, *tokens: int) -> None:
    """Raise 404 for a publication that there never was, 410 with a new baseline for one that has expired."""
    for token in tokens:
        try:
            context.shelf.store.state(dataset.id, token)
        except HubError as error:
            if error.code != "CH-EXT-003":
                raise
            latest = context.shelf.latest() or 0
            url = f"/v1/datasets/{dataset.id}/records?as_of={latest}"
            raise Problem(error, more={"baseline": {"as_of": latest, "records": url}}) from None
