"""Other ways to say who one is: requests signed by RFC 9421, and the profile gov."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from typer.testing import CliRunner

from cityhub import clock
from cli.main import app
from serving.access import gov
from serving.config import Service as Limits
from tests.extracts.months import NOVEMBER, Months, settings_in
from tests.serving.service import Answer, Client, served

pytestmark = pytest.mark.xdist_group("serving")
LATEST = "/v1/datasets/ranking/publications/latest"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Months]]:
    """A service with the profile gov on."""
    months = Months(settings_in(tmp_path_factory.mktemp("profiles")))
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    with served(months.settings, Limits(gov=True)) as url:
        yield url, months


def command(months: Months, *arguments: str) -> Any:
    environment = {"CITYHUB_HOME": str(months.settings.home)}
    return json.loads(CliRunner().invoke(app, ["key", *arguments, "--json"], env=environment).stdout)


class Keys(HTTPSignatureKeyResolver):
    """The consumer's own key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self.private


@dataclass
class Message:
    """A request as the signer wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


COVERED = ("@method", "@path", "@query", "authorization")


def test_a_key_with_a_public_key_opens_nothing_without_its_owners_signature(
    place: tuple[str, Months], tmp_path: Path
) -> None:
    url, months = place
    private, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    pem = tmp_path / "consumer.pem"
    pem.write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    made = command(months, "create", "signing", "--scope", "all", "--public-key", str(pem))

    def signed(
        target: str, *, by: Ed25519PrivateKey = private, covered: tuple[str, ...] = COVERED, age_s: int = 0,
        method: str = "GET", key_id: str = made["id"], send: str | None = None, body: Any = None,
    ) -> Answer:  # fmt: skip
        message = Message(method, url + target, {"Authorization": f"Bearer {made['key']}"})
        if body is not None:
            digest = base64.b64encode(hashlib.sha256(json.dumps(body).encode()).digest()).decode()
            message.headers["Content-Digest"] = f"sha-256=:{digest}:"
        signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=Keys(by))
        created = clock.now().timestamp() - age_s
        moment = clock.now().fromtimestamp(created)
        signer.sign(message, key_id=key_id, covered_component_ids=covered, created=moment)
        return Client(url).send(method, send or target, message.headers, body)

    assert Client(url, made["key"]).get(LATEST).code == "CH-SERVE-017"
    assert signed(LATEST).status == 200
    assert signed("/v1/datasets/ranking/records?limit=1&unit=a").status == 200
    refused = {
        "a stranger's": signed(LATEST, by=stranger),
        "for another address": signed(LATEST, send="/v1/datasets/ranking/records"),
        "for another query": signed("/v1/datasets/ranking/records?unit=a", send="/v1/datasets/ranking/records?unit=b"),
        "an old one": signed(LATEST, age_s=400),
        "one of a time to come": signed(LATEST, age_s=-400),
        "without the path": signed(LATEST, covered=("@method", "@query", "authorization")),
        "without the key": signed(LATEST, covered=("@method", "@path", "@query")),
        "of another key": signed(LATEST, key_id="0" * 12),
    }
    assert {kind: (answer.status, answer.code) for kind, answer in refused.items()} == dict.fromkeys(
        refused, (401, "CH-SERVE-017")
    )
    receipt = {"dataset": "ranking", "sequence": 1, "sha256": "0" * 64, "rows_accepted": 2, "rows_rejected": 0}
    whole = (*COVERED, "content-digest")
    assert signed("/v1/receipts", method="POST", body=receipt).code == "CH-SERVE-017"
    assert signed("/v1/receipts", method="POST", body=receipt, covered=whole).status == 201


@dataclass(frozen=True)
class Portal:
    """A consumer that speaks the profile gov."""

    client: Client
    app_key: str
    secret: str
    nonce: str = "nonce-0000"
    shift_s: int = 0
    method: str = "HMAC-SHA256"

    def get(self, target: str, *, sent: str | None = None, **changed: str) -> Answer:
        """GET with the profile's headers."""
        timestamp = str(int(clock.now().timestamp() + self.shift_s))
        text = gov.text_to_sign(self.app_key, timestamp, self.nonce, target)
        headers = {
            "appKey": self.app_key,
            "timestamp": timestamp,
            "nonce": self.nonce,
            "signMethod": self.method,
            "signature": gov.signature(self.secret, text, self.method),
        }
        return self.client.send("GET", sent or target, headers | changed)


def test_the_profile_gov_gives_the_same_answers_in_its_envelope(place: tuple[str, Months]) -> None:
    url, months = place
    made = command(months, "create", "portal", "--scope", "ranking", "--unit", "a", "--gov")
    portal = Portal(Client(url), made["app_key"], made["app_secret"])
    plain = Client(url, made["key"]).page("/v1/datasets/ranking/records")
    for number, method in enumerate(("HMAC-SHA256", "HMAC-SM3")):
        answer = replace(portal, nonce=f"nonce-10{number}", method=method).get("/gov/v1/datasets/ranking/records")
        assert (answer.status, answer.json) == (200, {"errcode": 0, "errmsg": "成功", "data": plain})
    denied = replace(portal, nonce="nonce-200").get("/gov/v1/datasets/score/records")
    assert denied.status == 403, "no error is told inside of a 200"
    assert denied.json == {
        "errcode": 403,
        "errmsg": "密钥无权读取该数据集",
        "code": "CH-SERVE-004",
        "requestId": denied.headers["x-request-id"],
        "data": None,
    }
    etag = replace(portal, nonce="nonce-201").get("/gov/v1/catalog").headers["etag"]
    again = replace(portal, nonce="nonce-202").get("/gov/v1/catalog", **{"If-None-Match": etag})
    assert (again.status, again.body) == (304, b"")
    lines = (months.settings.home / "audit").glob("*.ndjson")
    assert made["app_secret"] not in "".join(path.read_text() for path in lines)


def test_the_profile_gov_takes_each_request_once_and_as_it_was_signed(place: tuple[str, Months]) -> None:
    url, months = place
    made = command(months, "create", "strict", "--scope", "all", "--gov")
    portal = Portal(Client(url), made["app_key"], made["app_secret"], "nonce-300")
    catalog = "/gov/v1/catalog"
    assert portal.get(catalog).status == 200
    refused = {
        "the same again": portal.get(catalog),
        "another secret": replace(portal, nonce="nonce-301", secret="x").get(catalog),
        "another address": replace(portal, nonce="nonce-302").get(catalog, sent="/gov/v1/keys/signing"),
        "an old one": replace(portal, nonce="nonce-303", shift_s=-400).get(catalog),
        "one of a time to come": replace(portal, nonce="nonce-304", shift_s=400).get(catalog),
        "a short nonce": replace(portal, nonce="n").get(catalog),
        "another method": replace(portal, nonce="nonce-305").get(catalog, signMethod="MD5"),
        "no time": replace(portal, nonce="nonce-306").get(catalog, timestamp="now"),
    }
    assert {kind: (answer.status, answer.json["code"]) for kind, answer in refused.items()} == dict.fromkeys(
        refused, (401, "CH-SERVE-017")
    )
    unknown = replace(portal, app_key="0" * 12, nonce="nonce-307").get(catalog)
    assert (unknown.status, unknown.json["code"]) == (401, "CH-SERVE-001")
    assert Client(url, made["key"]).get(catalog).status == 401, "a Bearer key is no signature"
    post = Client(url).send("POST", "/gov/v1/receipts", {"appKey": made["app_key"]}, {})
    assert post.status == 405, "the profile is for reading"
    command(months, "revoke", "strict")
    assert replace(portal, nonce="nonce-308").get(catalog).json["code"] == "CH-SERVE-003"


def test_the_profile_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    months = Months(settings_in(tmp_path))
    made = command(months, "create", "portal", "--scope", "all", "--gov")
    with served(months.settings, Limits()) as url:
        portal = Portal(Client(url), made["app_key"], made["app_secret"])
        assert portal.get("/gov/v1/catalog").status == 401
        assert portal.get("/v1/catalog").code == "CH-SERVE-001"
        assert Client(url, made["key"]).get("/gov/v1/catalog").status == 404
