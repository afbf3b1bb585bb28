"""Files over HTTP: whole, in parts, kept for ever; and tools that read them without knowing us."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from serving import ranges
from serving.problems import Problem
from tests.extracts.months import settings_in
from tests.serving.conftest import SECOND, Town
from tests.serving.service import Client
from warehouse import extensions

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture(scope="module")
def files(town: Town) -> dict[str, Any]:
    """format → what the publication says of the ranking's file."""
    held = town.client.page("/v1/datasets/ranking/publications/2")
    return {file["format"]: file for file in held["files"]}


def test_a_file_is_what_the_publication_says(town: Town, files: dict[str, Any]) -> None:
    assert set(files) == {"parquet", "csv.gz", "ndjson.gz"}
    for file in files.values():
        answer = town.client.get(file["url"])
        digest = hashlib.sha256(answer.body)
        assert (answer.status, len(answer.body), digest.hexdigest()) == (200, file["bytes"], file["sha256"])
        assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert town.client.get(file["url"], if_none_match=answer.headers["etag"]).status == 304
    lines = gzip.decompress(town.client.get(files["ndjson.gz"]["url"]).body).decode().splitlines()
    assert [json.loads(line) for line in lines] == town.client.page("/v1/datasets/ranking/records?as_of=2")["items"]


@pytest.mark.parametrize("path", ["file", "/v1/catalog", "/v1/datasets/ranking/records", "/v1/nothing", "/healthz"])
def test_head_is_get_without_its_body(town: Town, files: dict[str, Any], path: str) -> None:
    target = files["parquet"]["url"] if path == "file" else path
    one, two = town.client.get(target), town.client.send("HEAD", target)
    moving = {"date", "x-request-id", "ratelimit", "content-length" if path == "/v1/nothing" else ""}
    assert (two.status, two.body) == (one.status, b"")
    assert {k: v for k, v in two.headers.items() if k not in moving} == {
        k: v for k, v in one.headers.items() if k not in moving
    }


def test_parts_of_a_file_make_the_file(town: Town, files: dict[str, Any]) -> None:
    file = files["parquet"]
    size = file["bytes"]
    whole = town.client.get(file["url"])
    first = town.client.get(file["url"], range="bytes=0-99")
    rest = town.client.get(file["url"], range="bytes=100-", if_range=whole.headers["etag"])
    assert (first.status, rest.status) == (206, 206)
    assert first.headers["content-range"] == f"bytes 0-99/{size}"
    assert first.headers["repr-digest"] == whole.headers["repr-digest"], "of the whole file, whatever part is sent"
    assert first.body + rest.body == whole.body
    assert town.client.get(file["url"], range="bytes=-8").body == whole.body[-8:]
    assert town.client.get(file["url"], range="bytes=0-9", if_range='"older"').body == whole.body
    outside = town.client.get(file["url"], range=f"bytes={size}-")
    assert (outside.status, outside.code, outside.headers["content-range"]) == (416, "CH-SERVE-016", f"bytes */{size}")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, None), ("bytes=0-0", (0, 1)), ("bytes=9-9", (9, 1)), ("bytes=5-99", (5, 5)), ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)), ("bytes=3-", (3, 7)), ("bytes=-", None), ("bytes=5-3", None), ("bytes=0-1,3-4", None),
        ("rows=0-1", None), ("bytes=a-b", None), ("bytes=0-" + "9" * 50, None), ("bytes=\u0661-", None),
    ],
)  # fmt: skip
def test_ranges(given: str | None, read: tuple[int, int] | None) -> None:
    assert ranges.read(given, 10) == read


@pytest.mark.parametrize("given", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=999999999999999999-"])
def test_a_range_outside_of_the_file_is_told(given: str) -> None:
    with pytest.raises(Problem) as caught:
        ranges.read(given, 10)
    assert caught.value.status == 416


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64 + ".parquet", "manifest.json", "..%2f..%2fkeys.json", "%2e%2e/%2e%2e/keys.json", "../../keys.json",
        "..%5c..%5ckeys.json", "/etc/passwd", "a" * 64 + ".csv", "A" * 64 + ".parquet", "%00", "x" * 3000,
    ],
)  # fmt: skip
def test_nothing_but_published_files_is_given(town: Town, name: str) -> None:
    answer = town.client.get(f"/v1/files/{name}")
    assert answer.status in {400, 404}, answer.body
    assert b"sha256" not in answer.body.replace(b"sha256 and format", b"") and b"root:" not in answer.body


def test_the_signature_holds_for_the_bytes_of_the_manifest(town: Town) -> None:
    held = town.client.page("/v1/datasets/ranking/publications/2")
    body = town.client.get(held["manifest_url"]).body
    signature = town.client.get(held["signature_url"]).body
    (known,) = [
        key for key in town.client.page("/v1/keys/signing")["keys"] if key["key_id"] == held["signature"]["key_id"]
    ]
    assert base64.b64decode(held["signature"]["ed25519"]) == signature and known["public_key"] == held["public_key"]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(known["public_key"])).verify(signature, body)
    assert json.loads(body) == held["manifest"]
    assert hashlib.sha256(body).hexdigest() == held["manifest_sha256"]
    assert town.client.page("/v1/datasets/ranking/publications/3")["manifest"]["previous"] == held["manifest_sha256"]


def test_duckdb_reads_the_links(town: Town, files: dict[str, Any], tmp_path: Path) -> None:
    folder = extensions.directory(settings_in(tmp_path))
    with duckdb.connect(config={"extension_directory": str(folder)}) as con:
        con.execute("LOAD httpfs")
        con.execute(f"CREATE SECRET (TYPE http, BEARER_TOKEN '{town.client.key}')")
        url = town.url + files["parquet"]["url"]
        found = dict(con.execute(f"SELECT unit, CAST(score AS DOUBLE) FROM read_parquet('{url}')").fetchall())
        assert found == {unit: float(score) for unit, score in SECOND.items()}
        con.execute("DROP SECRET __default_http")
        with pytest.raises(duckdb.HTTPException):
            con.execute(f"SELECT * FROM read_parquet('{url}')")


def test_curl_goes_on_where_it_was_cut(town: Town, files: dict[str, Any], tmp_path: Path) -> None:
    file = files["csv.gz"]
    whole = town.client.get(file["url"]).body
    target = tmp_path / "ranking.csv.gz"
    target.write_bytes(whole[:40])
    command = ["curl", "-fsS", "-C", "-", "-o", str(target), "-H", f"Authorization: Bearer {town.client.key}"]
    subprocess.run([*command, town.url + file["url"]], check=True, timeout=60)
    assert target.read_bytes() == whole


def test_a_receipt_is_kept_once_and_says_whether_it_is_what_was_published(town: Town, files: dict[str, Any]) -> None:
    client = town.client_of("receipts")
    body = {"dataset": "ranking", "sequence": 2, "sha256": files["parquet"]["sha256"], "rows_accepted": 3,
            "rows_rejected": 0}  # fmt: skip
    first, again = client.send("POST", "/v1/receipts", body=body), client.send("POST", "/v1/receipts", body=body)
    assert (first.status, again.status) == (201, 200) and first.json == again.json and first.json["matches"]
    other = client.send("POST", "/v1/receipts", body=body | {"sha256": "0" * 64, "note": "两行缺单位"}).json
    assert not other["matches"]
    kept = list((town.months.settings.home / "receipts" / "000002").glob("*.json"))
    assert {first.json["id"], other["id"]} <= {path.stem for path in kept}
    refused = {
        "an unknown publication": (body | {"sequence": 99}, 404),
        "another word": (body | {"rows": 3}, 400),
        "a text for a number": (body | {"rows_accepted": "3"}, 400),
        "no object": (b"[]", 400),
        "no JSON": (b"{", 400),
        "too long": (body | {"note": "x" * 20_000}, 413),
    }
    for kind, (content, status) in refused.items():
        headers = {"Content-Type": "application/json"}
        assert client.send("POST", "/v1/receipts", headers, content).status == status, kind
    assert client.send("POST", "/v1/receipts", {"Content-Type": "text/plain"}, b"{}").status == 415
    digest = {"Content-Type": "application/json", "Content-Digest": "sha-256=:AAAA:"}
    assert client.send("POST", "/v1/receipts", digest, json.dumps(body).encode()).code == "CH-SERVE-018"


def test_what_is_published_is_not_changed_over_http(town: Town) -> None:
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        answer = Client(town.url, town.client.key).send(method, "/v1/catalog", body={})
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, "CH-SERVE-013", "GET"), method
