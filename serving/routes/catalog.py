"""What there is: landing, catalog, schemas, publications, public keys."""

from __future__ import annotations

import base64
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from cityhub.errors import Stop
from extracts import sign
from extracts.datasets import DATASETS, Dataset
from extracts.model import FORMATS, SIGNATURES
from serving.answers import Prepared, answer, give, prepare
from serving.context import Context, dataset_of, key_of, readable, visible
from serving.parameters import DatasetId, Month, Which, known_only
from serving.routes import shapes
from serving.shelf import Held


def router(context: Context) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(known_only)])
    shelf = context.shelf

    @routes.get("", include_in_schema=False)
    @routes.get("/", tags=["about"], responses=shapes.ok(shapes.LANDING))
    async def landing(request: Request) -> Response:
        """Where everything is; needs no key."""
        return answer(request, LANDING)

    @routes.get("/catalog", tags=["datasets"], responses=shapes.ok(shapes.CATALOG))
    async def catalog(request: Request) -> Response:
        """The datasets that the key may read, with the number of the newest publication of each."""
        key = key_of(request)
        found = []
        for dataset in DATASETS.values():
            if readable(key, dataset):
                held = visible(shelf, key, dataset)
                found.append(_entry(dataset, held[-1].sequence if held else None))
        return answer(request, {"datasets": found})

    @routes.get("/keys/signing", tags=["datasets"], responses=shapes.ok(shapes.SIGNING))
    async def signing(request: Request) -> Response:
        """The public keys that manifests were signed with. Compare their ids by another way than this one once."""
        found = sign.public_keys(shelf.root) if shelf.root.is_dir() else {}
        told = [{"key_id": name, "algorithm": "ed25519", "public_key": _b64(public)} for name, public in found.items()]
        return answer(request, {"keys": told})

    @routes.get("/datasets/{id}/schema", tags=["datasets"], responses=shapes.ok(shapes.SCHEMA, 404))
    async def schema(request: Request, id: DatasetId) -> Response:
        """JSON Schema of one row, with the key that tells rows apart."""
        dataset = dataset_of(request, id)
        extra = {"$id": f"/v1/datasets/{dataset.id}/schema", "x-key": list(dataset.key)}
        return answer(request, dataset.json_schema() | extra)

    @routes.get("/datasets/{id}/publications", tags=["datasets"], responses=shapes.ok(shapes.PUBLICATIONS, 404))
    async def publications(request: Request, id: DatasetId, period: Month = None) -> Response:
        """All publications of a dataset, oldest first."""
        dataset = dataset_of(request, id)
        held = [item for item in visible(shelf, key_of(request), dataset) if period in (None, item.manifest.period)]
        newest = {item.manifest.period: item.sequence for item in held}
        return answer(request, {"items": [_listed(dataset, item, newest) for item in held]})

    @routes.get("/datasets/{id}/publications/{which}", tags=["datasets"], responses=shapes.ok(shapes.PUBLICATION, 404))
    async def publication(request: Request, id: DatasetId, which: Which) -> Response:
        """One publication: manifest, signature, files. `latest` is the newest that the key may read."""
        dataset = dataset_of(request, id)
        held = _choose(context, request, dataset, which)
        return give(request, whole(dataset.id, held.sequence, held.sha256, shelf.kept(held.sequence)))

    @lru_cache(maxsize=4096)
    def whole(id: str, sequence: int, _sha256: str, there: bool) -> Prepared:
        # What was published never changes: thousands who ask whether there is something new cost one answer.
        return prepare(_whole(context, DATASETS[id], shelf.get(sequence), there))

    return routes


LANDING: dict[str, Any] = {
    "title": {"zh": "城市综合管理服务平台数据发布接口", "en": "CityHub extracts"},
    "version": "1",
    "links": {
        "documentation": "/v1/docs",
        "openapi": "/v1/openapi.json",
        "catalog": "/v1/catalog",
        "signing_keys": "/v1/keys/signing",
        "receipts": "/v1/receipts",
        "health": "/healthz",
        "readiness": "/readyz",
        "metrics": "/v1/metrics",
    },
}


def _entry(dataset: Dataset, latest: int | None) -> dict[str, Any]:
    base = f"/v1/datasets/{dataset.id}"
    return {
        "id": dataset.id,
        "title": {"zh": dataset.title_zh, "en": dataset.title_en},
        "key": list(dataset.key),
        "unit_column": dataset.unit_column,
        "latest": latest,
        "formats": list(FORMATS),
        "links": {
            "schema": f"{base}/schema",
            "publications": f"{base}/publications",
            "latest": f"{base}/publications/latest",
            "records": f"{base}/records",
            "changes": f"{base}/changes",
        },
    }


def _choose(context: Context, request: Request, dataset: Dataset, which: str) -> Held:
    key = key_of(request)
    if which == "latest":
        held = visible(context.shelf, key, dataset)
        if not held:
            raise Stop("CH-SERVE-007", what="publication of", value=dataset.id)
        return held[-1]
    found = context.shelf.get(int(which))
    if not key.scope.period(found.manifest.period):
        raise Stop("CH-SERVE-005", period=found.manifest.period)
    if all(file.dataset != dataset.id for file in found.manifest.files):
        raise Stop("CH-SERVE-007", what=f"{dataset.id} in publication", value=which)
    return found


def _listed(dataset: Dataset, held: Held, newest: dict[str, int]) -> dict[str, Any]:
    manifest = held.manifest
    return {
        "sequence": held.sequence,
        "period": manifest.period,
        "status": manifest.status,
        "reason": manifest.reason,
        "supersedes": manifest.supersedes,
        "superseded": newest[manifest.period] != held.sequence,
        "source_as_of": manifest.source_as_of,
        "published_at": manifest.published_at,
        "manifest_sha256": held.sha256,
        "url": f"/v1/datasets/{dataset.id}/publications/{held.sequence}",
    }


def _whole(context: Context, dataset: Dataset, held: Held, there: bool) -> dict[str, Any]:
    store, manifest = context.shelf.store, held.manifest
    public = sign.public_keys(store.root).get(manifest.key_id)
    signatures = {kind: _b64(found) for kind in SIGNATURES if (found := store.signature(held.sequence, kind))}
    return {
        "sequence": held.sequence,
        "manifest": asdict(manifest),
        "manifest_sha256": held.sha256,
        "manifest_url": f"/v1/files/{held.sha256}.json",
        "signature": {**signatures, "key_id": manifest.key_id},
        "signature_url": f"/v1/files/{held.sha256}.json.sig",
        "public_key": _b64(public) if public else None,
        "expired": not there,
        "files": [
            {
                "format": file.format,
                "url": f"/v1/files/{file.sha256}.{file.format}",
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
            }
            for file in manifest.files
            if file.dataset == dataset.id and there
        ],
    }


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
