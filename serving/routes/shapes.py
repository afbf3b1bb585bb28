"""What answers look like, for the OpenAPI document: JSON Schema said once a kind, and the problems that can come."""

from __future__ import annotations

from typing import Any

from serving.problems import MEDIA_TYPE

Shape = dict[str, Any]
TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Shape = {"type": ["string", "null"]}
MAYBE_WHOLE: Shape = {"type": ["integer", "null"], "minimum": 1}
SHA256: Shape = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
FLAG: Shape = {"type": "boolean"}
COMMON = (400, 401, 403, 406, 413, 414, 429, 431, 500, 503)
MEANING = {
    304: "What you hold (If-None-Match) is still so",
    400: "The request does not say what this address understands",
    401: "No key, or one that is unknown, expired or revoked",
    403: "The key may not read this",
    404: "There is no such thing",
    405: "Nothing that can be done here",
    406: "None of the formats asked for is given here",
    410: "What you hold is too old: begin from the new baseline",
    413: "The body is too large",
    414: "Path and query are too long",
    415: "The body is not application/json",
    416: "No byte of the file lies in the range",
    429: "Too many requests; Retry-After says when to go on",
    431: "Too many or too large headers",
    500: "The service failed",
    503: "The service cannot answer now",
}


def obj(_optional: tuple[str, ...] = (), **members: Shape) -> Shape:
    """An object with these members and no others."""
    required = [name for name in members if name not in _optional]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def array(item: Shape) -> Shape:
    """A list of items."""
    return {"type": "array", "items": item}


PROBLEM: Shape = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `title` is Chinese, `request_id` is what to tell whoever runs the hub",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "instance": TEXT,
        "code": {"type": "string", "pattern": "^CH-[A-Z]+-[0-9]{3}$"},
        "request_id": TEXT,
        "fix": TEXT,
        "errors": array(obj(parameter=TEXT, problem=TEXT)),
        "baseline": obj(as_of=WHOLE, records=TEXT),
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
}
TITLE = obj(zh=TEXT, en=TEXT)
LANDING = obj(title=TITLE, version=TEXT, links={"type": "object", "additionalProperties": TEXT})
CATALOG = obj(
    datasets=array(
        obj(
            id=TEXT,
            title=TITLE,
            key=array(TEXT),
            unit_column=MAYBE_TEXT,
            latest=MAYBE_WHOLE,
            formats=array(TEXT),
            links={"type": "object", "additionalProperties": TEXT},
        )
    )
)
SIGNING = obj(keys=array(obj(key_id=TEXT, algorithm=TEXT, public_key=TEXT)))
SCHEMA: Shape = {"type": "object", "description": "JSON Schema 2020-12", "required": ["properties", "x-key"]}
PUBLICATIONS = obj(
    items=array(
        obj(
            sequence=WHOLE,
            period=TEXT,
            status={"type": "string", "enum": ["provisional", "final", "correction"]},
            reason=TEXT,
            supersedes=MAYBE_WHOLE,
            superseded=FLAG,
            source_as_of=TEXT,
            published_at=TEXT,
            manifest_sha256=SHA256,
            url=TEXT,
        )
    )
)
FILE = obj(format=TEXT, url=TEXT, rows=WHOLE, bytes=WHOLE, sha256=SHA256)
PUBLICATION = obj(
    sequence=WHOLE,
    manifest={"type": "object", "description": "what was signed; its bytes are at manifest_url"},
    manifest_sha256=SHA256,
    manifest_url=TEXT,
    signature=obj(("ed25519", "sm2"), ed25519=TEXT, sm2=TEXT, key_id=TEXT),
    signature_url=TEXT,
    public_key=MAYBE_TEXT,
    expired=FLAG,
    files=array(FILE),
)
ROW: Shape = {"type": "object", "description": "one row, as /v1/datasets/{id}/schema says"}
RECORDS = obj(as_of=WHOLE, items=array(ROW), next=MAYBE_TEXT)
CHANGES = obj(
    since=WHOLE,
    to=WHOLE,
    items=array(
        obj(
            op={"type": "string", "enum": ["insert", "revise", "delete"]},
            key={"type": "object"},
            row={"type": ["object", "null"]},
        )
    ),
    next=MAYBE_TEXT,
)
RECEIPT = obj(id=SHA256, matches=FLAG, received_at=TEXT)
HEALTH = obj(ok=FLAG, current=MAYBE_WHOLE)
READY = obj(ready=FLAG, latest=MAYBE_WHOLE)


def ok(shape: Shape, *also: int, status: int = 200, conditional: bool = True) -> dict[int | str, dict[str, Any]]:
    """The answers of a JSON address: what it gives, 304 where it has a validator, and problems."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": "As asked", "content": {"application/json": {"schema": shape}}}
    }
    if conditional:
        found[304] = {"description": MEANING[304]}
    return found | problems(*also)


def problems(*also: int) -> dict[int | str, dict[str, Any]]:
    """The problems that every address can answer with, and these."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": MEANING[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*COMMON, *also})
    }
