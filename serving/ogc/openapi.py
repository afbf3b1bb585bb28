"""The part of the OpenAPI document that is below /ogc, said in OpenAPI 3.0.

The service's own document is OpenAPI 3.1; programs that read OGC API - Features ask for 3.0, with paths that begin
where the landing is, and look for `limit` among the components.
"""

from __future__ import annotations

import copy
from typing import Any

from serving.ogc.links import ROOM
from serving.ogc.parameters import MOST

# `bbox` and `limit` as the standard writes them; /v1/openapi.json describes the text of the one, and of the other all
# that is taken, which is more than is given.
_BBOX = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 1000}


def thirty(whole: dict[str, Any]) -> dict[str, Any]:
    """The document of all addresses as that of /ogc, without its `servers`: where /ogc is differs by who asks."""
    paths = {
        path.removeprefix(ROOM): _schemas(copy.deepcopy(item))
        for path, item in whole["paths"].items()
        if path.startswith(f"{ROOM}/")
    }
    limit: dict[str, Any] = {}
    for item in paths.values():
        for operation in item.values():
            given = operation.get("parameters", [])
            operation["parameters"] = [_parameter(parameter, limit) for parameter in given]
    components = _schemas(copy.deepcopy(whole["components"]))
    used = {"Problem": components["schemas"]["Problem"]}
    return {
        "openapi": "3.0.3",
        "info": whole["info"],
        "paths": paths,
        "components": {**components, "schemas": used, "parameters": {"limit": limit}},
    }


def _parameter(parameter: dict[str, Any], limit: dict[str, Any]) -> dict[str, Any]:
    if parameter["in"] != "query":
        return parameter
    made = {**parameter, "style": "form", "explode": False}
    if parameter["name"] == "bbox":
        made["schema"] = _BBOX
    if parameter["name"] == "limit":
        limit |= {**made, "schema": _LIMIT}
        return {"$ref": "#/components/parameters/limit"}
    return made


def _schemas(part: Any) -> Any:
    """Schemas of 3.1 as of 3.0: `nullable` for a type null, one `example` for `examples`, no empty list of names."""
    if isinstance(part, list):
        return [_schemas(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {name: _schemas(value) for name, value in part.items()}
    if isinstance(found.get("type"), list):
        kinds = [kind for kind in found["type"] if kind != "null"]
        found |= {"type": kinds[0], "nullable": len(kinds) < len(found["type"])}
    choices = found.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del found["anyOf"]
        found = {**rest[0], **found} if len(rest) == 1 else {**found, "anyOf": rest}
    if found.get("required") == []:
        del found["required"]
    examples = found.pop("examples", None)
    if isinstance(examples, list):
        found["example"] = examples[0]
    elif examples is not None:
        found["examples"] = examples
    return found
