"""Sites as features: pages of them pinned to one publication, and one by its number."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from cityhub.errors import Stop
from extracts.model import Condition
from serving.answers import CACHED, VARY, answer, etag_of, fresh, not_modified
from serving.context import Context
from serving.formats import wanted
from serving.ogc import features, shapes
from serving.ogc.caller import caller_of, kind_of, newest, pinned
from serving.ogc.links import ITEMS, JSON, ROOM, itself, link, part
from serving.ogc.parameters import MOST, Bbox, Datetime, FeatureLimit, KindId, SiteId, during, inside
from serving.ogc.sites import Sites
from serving.paging import go_on, made, target
from serving.parameters import Cursor, Unit, known_only


def router(context: Context, sites: Sites) -> APIRouter:
    """The routes of this kind."""
    prefix = f"{ROOM}/collections/{{kind}}/items"
    routes = APIRouter(prefix=prefix, dependencies=[Depends(known_only)], tags=["sites"])

    @routes.get("", responses=shapes.ok(shapes.FEATURES, 404, 410, media=ITEMS))
    async def items(
        request: Request,
        kind: KindId,
        bbox: Bbox = None,
        datetime: Datetime = None,
        unit: Unit = None,
        limit: FeatureLimit = None,
        cursor: Cursor = None,
    ) -> Response:
        """Sites as GeoJSON, in the order of their numbers. Follow the link `next`: a new publication changes no page.

        Where p is observed, `p` is its last value, `p_at` the value's time and `p_state` its state; a key without the
        dataset last_value gets none of the three. A missing value is null.
        """
        caller, media = caller_of(request), wanted(request, ITEMS)
        where, only = inside(bbox) & during(datetime), caller.key.scope.only
        filters = {"bbox": bbox, "datetime": datetime, "unit": unit}
        asked = {"path": "ogc", "kind": kind, **filters}
        pins, after = go_on(context, cursor, asked, {}, 1)
        held = pinned(context, caller, pins["publication"]) if pins else newest(context.shelf, caller.key)
        if held is None:
            raise Stop("CH-SERVE-007", what="collection", value=kind)
        number = held.sequence
        headers = {"CityHub-As-Of": str(number), "Cache-Control": CACHED, "Vary": VARY}
        headers["ETag"] = etag_of(
            caller.root, caller.values, caller.key.scope.fingerprint(), media, asked, number, after, limit
        )
        if fresh(request, headers["ETag"]):
            return not_modified(headers)
        address = f"{caller.root}/collections/{part(kind)}"

        def page() -> Response:
            _, found = kind_of(sites, held, kind)
            read = sites.page(
                held, found, only, limit=min(limit or context.limits.page, MOST), unit=unit, where=where,
                after=after[0] if after else None, values=caller.values,
            )  # fmt: skip
            links = itself(target(f"{address}/items", **filters, limit=limit, cursor=cursor), media, ITEMS)
            links.append(link(address, "collection", JSON))
            if read.more:
                following = context.cursors.make(asked | {"publication": number}, [read.sites[-1]["site"]])
                there = target(f"{address}/items", **filters, limit=limit, cursor=following)
                links.append(link(there, "next", media))
                headers["Link"] = f'<{there}>; rel="next"; type="{media}"'
            content = {
                "type": "FeatureCollection",
                "numberMatched": sites.count(held, kind, unit, where, only),
                "numberReturned": len(read.sites),
                **features.source(held),
                "links": links,
                "features": features.features(held, found, read, values=caller.values),
            }
            return answer(request, content, headers=headers, media=media)

        return await made(context, request, page)

    @routes.get("/{site:path}", responses=shapes.ok(shapes.FEATURE, 404, media=ITEMS))
    async def item(request: Request, kind: KindId, site: SiteId) -> Response:
        """One site, by its number."""
        caller, media = caller_of(request), wanted(request, ITEMS)

        def page() -> Response:
            held, found = kind_of(sites, newest(context.shelf, caller.key), kind)
            this = Condition("site = ?", (site,))
            read = sites.page(held, found, caller.key.scope.only, limit=1, where=this, values=caller.values)
            if not read.sites:
                raise Stop("CH-SERVE-007", what=f"site of {kind}", value=site[:60])
            (feature,) = features.features(held, found, read, values=caller.values)
            links = features.links(caller.root, kind, site, media)
            return answer(request, feature | {"links": links}, media=media)

        return await made(context, request, page)

    return routes
