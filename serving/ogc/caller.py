"""Who asks, and what of the sites that is."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from cityhub.errors import Stop
from extracts.datasets import DATASETS
from serving.access.keys import Key
from serving.context import Context, key_of, readable
from serving.ogc.links import ROOM, base
from serving.ogc.sites import Kind, Sites
from serving.problems import Problem
from serving.shelf import Held, Shelf


@dataclass(frozen=True)
class Caller:
    """A key that may read sites. `values`: whether it may read their values too; `root`: the address of /ogc as it was
    asked, for links."""

    key: Key
    values: bool
    root: str


def caller_of(request: Request) -> Caller:
    """Who asks; raises `Stop` CH-SERVE-004 for a key without the dataset `site`."""
    key = key_of(request)
    if not readable(key, DATASETS["site"]):
        raise Stop("CH-SERVE-004", dataset="site")
    return Caller(key, readable(key, DATASETS["last_value"]), f"{base(request)}{ROOM}")


def newest(shelf: Shelf, key: Key) -> Held | None:
    """The newest publication of the newest period that the key may read; None where none holds sites."""
    last = {held.manifest.period: held for held in shelf.all().values() if key.scope.period(held.manifest.period)}
    held = (last[period] for period in sorted(last, reverse=True))
    return next((item for item in held if item.manifest.file("site", "parquet")), None)


def pinned(context: Context, caller: Caller, publication: int) -> Held:
    """The publication of a cursor. Raises `Stop` CH-SERVE-005 where the key may not read its period, and `Problem` 410
    where its files were removed since."""
    held = context.shelf.get(publication)
    if not caller.key.scope.period(held.manifest.period):
        raise Stop("CH-SERVE-005", period=held.manifest.period)
    if not context.shelf.kept(publication):
        floor, latest = context.shelf.store.floor(), context.shelf.latest() or 0
        error = Stop("CH-EXT-003", token=publication, floor=floor, latest=latest)
        raise Problem(error, more={"baseline": {"as_of": latest, "records": f"{caller.root}/collections"}})
    return held


def kind_of(sites: Sites, held: Held | None, kind: str) -> tuple[Held, Kind]:
    """The kind of an id in a publication; raises `Stop` CH-SERVE-007."""
    found = None if held is None else sites.kinds(held).get(kind)
    if held is None or found is None:
        raise Stop("CH-SERVE-007", what="collection", value=kind)
    return held, found
