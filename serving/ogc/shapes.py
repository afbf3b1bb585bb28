"""What answers below /ogc look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from serving.ogc.links import JSON, SCHEMA
from serving.routes.shapes import MAYBE_TEXT, MAYBE_WHOLE, MEANING, TEXT, WHOLE, Shape, array, obj, problems

NUMBER: Shape = {"type": "number"}
LINK = obj(("title",), href=TEXT, rel=TEXT, type=TEXT, title=TEXT)
LINKS = array(LINK)
SOURCE = {"publication": MAYBE_WHOLE, "period": MAYBE_TEXT, "status": MAYBE_TEXT, "source_as_of": MAYBE_TEXT}
LANDING = obj(title=TEXT, description=TEXT, links=LINKS)
CONFORMANCE = obj(conformsTo=array(TEXT))
COLLECTION = obj(
    ("extent",),
    id=TEXT,
    title=TEXT,
    description=TEXT,
    itemType={"type": "string", "enum": ["feature"]},
    crs=array(TEXT),
    links=LINKS,
    extent=obj(
        ("spatial", "temporal"),
        spatial=obj(bbox=array({**array(NUMBER), "minItems": 4, "maxItems": 4}), crs=TEXT),
        temporal=obj(interval=array({**array(MAYBE_TEXT), "minItems": 2, "maxItems": 2}), trs=TEXT),
    ),
    itemCount=WHOLE,
    **SOURCE,
)
COLLECTIONS = obj(links=LINKS, collections=array(COLLECTION), **SOURCE)  # type: ignore[arg-type]
POINT: Shape = {
    **obj(type={"type": "string", "enum": ["Point"]}, coordinates={**array(NUMBER), "minItems": 2, "maxItems": 2}),
    "type": ["object", "null"],
    "description": "empty where the register has no place",
}
FEATURE = obj(
    ("links",),
    type={"type": "string", "enum": ["Feature"]},
    id=TEXT,
    geometry=POINT,
    properties={"type": "object", "description": "as /ogc/collections/{kind}/schema says; a missing value is null"},
    links=LINKS,
)
FEATURES = obj(
    type={"type": "string", "enum": ["FeatureCollection"]},
    features=array(FEATURE),
    links=LINKS,
    numberMatched=WHOLE,
    numberReturned=WHOLE,
    **SOURCE,  # type: ignore[arg-type]
)
PROPERTIES: Shape = {
    "type": "object",
    "description": "JSON Schema of one feature, with `nullable`",
    "required": ["properties"],
}


def ok(shape: Shape, *also: int, media: tuple[str, ...] = (JSON,)) -> dict[int | str, dict[str, Any]]:
    """The answers of an address: what it gives in each of its formats, 304, and problems."""
    content = {kind: {"schema": shape} for kind in media}
    found: dict[int | str, dict[str, Any]] = {200: {"description": "As asked", "content": content}}
    return found | {304: {"description": MEANING[304]}} | problems(*also)


IN_SCHEMA = (SCHEMA, JSON)
