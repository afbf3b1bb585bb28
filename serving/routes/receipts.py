"""Receipts: a consumer says what it took, and learns whether that is what was published."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cityhub import clock
from cityhub.errors import Stop
from serving import receipts
from serving.answers import answer, repr_digest
from serving.context import Context, dataset_of, key_of
from serving.parameters import LARGEST, known_only
from serving.problems import Problem
from serving.routes import shapes
from serving.shelf import Held


def _whole_number(value: Any) -> Any:
    """3.0 is the number 3 in JSON; "3" and true are not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Given(BaseModel):
    """The body of a receipt."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: Annotated[str, Field(max_length=60, description="id of the dataset", examples=["ranking"])]
    sequence: Annotated[
        int,
        Field(ge=1, le=LARGEST, description="the publication that was taken", examples=[1]),
        BeforeValidator(_whole_number),
    ]
    sha256: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", description="of the file that was taken, or of the manifest")
    ]
    rows_accepted: Annotated[int, Field(ge=0, le=10**12), BeforeValidator(_whole_number)]
    rows_rejected: Annotated[int, Field(ge=0, le=10**12), BeforeValidator(_whole_number)]
    note: Annotated[str | None, Field(max_length=1000, description="why rows were rejected")] = None


def router(context: Context) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(known_only)], tags=["receipts"])
    folder = context.settings.home / "receipts"

    @routes.post("/receipts", status_code=201, responses=_RESPONSES, dependencies=[Depends(_intact)])
    def post(request: Request, body: Given) -> Response:
        """Say what was taken. The same receipt again is answered with 200 and changes nothing.

        `matches` is false when the sha256 is not that of what was published: fetch it again.
        """
        key, dataset = key_of(request), dataset_of(request, body.dataset)
        held = context.shelf.get(body.sequence)
        if not key.scope.period(held.manifest.period):
            raise Stop("CH-SERVE-005", period=held.manifest.period)
        content = body.model_dump()
        receipt = receipts.Receipt(
            id=receipts.identity(key.id, content),
            at=clock.now().isoformat(timespec="seconds"),
            key=key.id,
            name=key.name,
            matches=_matches(held, dataset.id, body.sha256),
            **content,
        )
        kept, new = receipts.keep(folder, receipt)
        if new:
            context.counters.receipt(matches=kept.matches)
        told = {"id": kept.id, "matches": kept.matches, "received_at": kept.at}
        return answer(request, told, status=201 if new else 200, headers={"Cache-Control": "no-store"})

    return routes


_SHAPE = {"application/json": {"schema": shapes.RECEIPT}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "This receipt came before", "content": _SHAPE},
    201: {"description": "Kept", "content": _SHAPE},
    **shapes.problems(404, 415),
}


async def _intact(request: Request) -> None:
    """Raise `Stop` CH-SERVE-018 where the body is no JSON, or not what `Content-Digest` says (RFC 9530)."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Stop("CH-SERVE-018", problem="its Content-Type is another one")
    said = request.headers.get("content-digest")
    if said is not None and repr_digest(sha256(await request.body()).hexdigest()) not in said.replace(" ", "").split(
        ","
    ):
        raise Problem(Stop("CH-SERVE-018", problem="its sha-256 is not that of Content-Digest"), status=400)


def _matches(held: Held, dataset: str, digest: str) -> bool:
    files = {item.sha256 for item in held.manifest.files if item.dataset == dataset}
    return digest in files | {held.sha256}
