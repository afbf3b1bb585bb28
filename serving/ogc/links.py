"""Links as the standard wants them: whole addresses, each with its relation and the type of what is there.

GIS programs do not complete paths, so these links begin with the address that the client asked.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import Request

from cityhub.errors import Stop

ROOM = "/ogc"
JSON, GEOJSON, SCHEMA = "application/json", "application/geo+json", "application/schema+json"
OPENAPI_30, OPENAPI_31 = (f"application/vnd.oai.openapi+json;version=3.{minor}" for minor in (0, 1))
ITEMS = (GEOJSON, JSON)  # what features are given as
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")

Link = dict[str, str]


def base(request: Request) -> str:
    """The service's address as the client asked it; raises `Stop` CH-SERVE-009 where `Host` is none."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Stop("CH-SERVE-009", problem="the header Host names no host")
    return f"{request.scope['scheme']}://{host}"


def link(href: str, rel: str, media: str, title: str | None = None) -> Link:
    """One link."""
    found = {"href": href, "rel": rel, "type": media}
    return found if title is None else {**found, "title": title}


def itself(href: str, media: str, offered: tuple[str, ...] = (JSON,)) -> list[Link]:
    """Links to the answer, and to the same in the other formats, which `Accept` chooses."""
    return [link(href, "self", media), *(link(href, "alternate", other) for other in offered if other != media)]


def part(text: str) -> str:
    """A value as one part of a path."""
    return quote(text, safe="")
