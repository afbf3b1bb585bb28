"""Kinds of sites: what there is, and what its features hold."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from serving.answers import answer
from serving.context import Context
from serving.formats import wanted
from serving.ogc import features, schema, shapes
from serving.ogc.caller import caller_of, kind_of, newest
from serving.ogc.links import JSON, ROOM, itself, part
from serving.ogc.parameters import KindId
from serving.ogc.sites import Sites
from serving.paging import made
from serving.parameters import known_only


def router(context: Context, sites: Sites) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix=f"{ROOM}/collections", dependencies=[Depends(known_only)], tags=["sites"])

    @routes.get("", responses=shapes.ok(shapes.COLLECTIONS))
    async def collections(request: Request) -> Response:
        """All kinds of sites of the newest publication of the newest period that the key may read. A kind of which the
        key sees no site is listed, with `itemCount` 0 and no extent."""
        caller, _ = caller_of(request), wanted(request, (JSON,))

        def page() -> Response:
            held, found = newest(context.shelf, caller.key), []
            if held is not None:
                extents = sites.extents(held, caller.key.scope.only)
                for kind in sites.kinds(held).values():
                    found.append(features.collection(caller.root, held, kind, extents.get(kind.id)))
            links = itself(f"{caller.root}/collections", JSON)
            return answer(request, {"links": links, "collections": found, **features.source(held)})

        return await made(context, request, page)

    @routes.get("/{kind}", responses=shapes.ok(shapes.COLLECTION, 404))
    async def collection(request: Request, kind: KindId) -> Response:
        """One kind of sites: its extent, how many of it the key sees, where its features are."""
        caller, _ = caller_of(request), wanted(request, (JSON,))

        def page() -> Response:
            held, found = kind_of(sites, newest(context.shelf, caller.key), kind)
            extent = sites.extents(held, caller.key.scope.only).get(kind)
            return answer(request, features.collection(caller.root, held, found, extent))

        return await made(context, request, page)

    @routes.get("/{kind}/schema", responses=shapes.ok(shapes.PROPERTIES, 404, media=shapes.IN_SCHEMA))
    async def columns(request: Request, kind: KindId) -> Response:
        """JSON Schema of a feature of this kind, with the columns that the key may read."""
        caller, media = caller_of(request), wanted(request, shapes.IN_SCHEMA)

        def page() -> Response:
            _, found = kind_of(sites, newest(context.shelf, caller.key), kind)
            return answer(
                request,
                schema.feature(f"{caller.root}/collections/{part(kind)}/schema", found, values=caller.values),
                media=media,
            )

        return await made(context, request, page)

    return routes
