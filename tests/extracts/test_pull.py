"""Pull: a copy holds what was signed, whatever is cut, killed, expired, changed on the way or kept from the key."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Retry, Stop, Unauthorised
from extracts import sign
from extracts.client import Client
from extracts.pull.run import pull
from extracts.pull.source import HttpSource
from tests.extracts.hub import QUICK, client, key, served
from tests.extracts.line import DATASET, Line, copied, values
from tests.extracts.shelf import Shelf, indicator, value
from tests.servers.http import Answer, Request, vendor


def test_everything_first_then_what_changed(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.5, None, 3.0))
    first = line.pull()
    assert (first.how, first.to, first.rows, first.proved, first.receipt) == ("full", 1, 3, True, True)
    line.equal()
    line.shelf.put(indicator_value=values(1.5, 2.0))
    line.shelf.put(
        "2026-12", indicator_value=[value("A", "juji", 0.1, "2026-12"), value("A", "juji", 0.2, "2026-12-05")]
    )
    then = line.pull()
    assert (then.how, then.since, then.to, then.proved) == ("delta", 1, 3, True)
    assert then.changes == {"revise": 1, "delete": 1, "insert": 2}
    line.equal()
    assert line.pull().how == "nothing"


def test_all_datasets_come_and_a_folder_gets_parquet_and_the_proof(line: Line, tmp_path: Path) -> None:
    line.shelf.put(
        indicator_value=values(1.0), indicator=[indicator("A00", "%")], ranking=[{"score": "87.5", "unit": "juji"}]
    )
    folder = tmp_path / "folder"
    line.pull(into=folder)
    assert {item.stem for item in folder.glob("*.parquet")} == {"indicator_value", "indicator", "ranking"}
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT unit, score FROM '{folder}/ranking.parquet'").fetchall()
    assert rows == [("juji", "87.5")]
    body = (folder / "manifests" / "000001.json").read_bytes()
    public = sign.signer(line.shelf.settings).public
    assert sign.verify(body, (folder / "manifests" / "000001.json.sig").read_bytes(), public)


@pytest.mark.parametrize("seed", range(2))
def test_answers_that_are_cut_or_fail_change_nothing(line: Line, seed: int) -> None:
    chance = random.Random(seed)

    def fails(number: int, request: Request, answer: Answer) -> Answer:
        if chance.random() < 0.3:
            return chance.choice([Answer(status=503), replace(answer, cut=len(answer.body) // 2), Answer(status=429)])
        return answer

    line.between.change = fails
    for _ in range(3):
        line.shelf.put(indicator_value=values(*(chance.random() for _ in range(chance.randint(0, 8)))))
        for _ in range(20):
            try:
                line.pull(receipts=False)
            except Retry:
                continue
            break
        line.equal()


def test_a_download_that_was_cut_is_gone_on_with(line: Line) -> None:
    line.shelf.put(indicator_value=values(*range(200)))
    ranges: list[str | None] = []

    def cut(number: int, request: Request, answer: Answer) -> Answer:
        if request.path.endswith(".ndjson.gz"):
            ranges.append(request.headers.get("range"))
            return replace(answer, cut=len(answer.body) - 100) if len(ranges) == 1 else answer
        return answer

    line.between.change = cut
    line.pull()
    assert ranges == [None, "bytes=100-"]
    line.equal()


def test_a_token_that_expired_leads_to_a_new_baseline(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0, 2.0))
    line.pull()
    line.shelf.put(indicator_value=values(1.0))
    line.shelf.put(indicator_value=values(5.0, 6.0, 7.0))
    line.shelf.store.set_floor(3)
    found = line.pull()
    assert (found.how, found.since, found.to) == ("full", 1, 3)
    line.equal()


@pytest.mark.parametrize("what", [".ndjson.gz", ".json", "/publications/1"])
def test_bytes_that_were_changed_on_the_way_are_not_taken(line: Line, what: str) -> None:
    line.shelf.put(indicator_value=values(1.0))

    def forge(number: int, request: Request, answer: Answer) -> Answer:
        if not request.path.endswith(what):
            return answer
        if what == "/publications/1":
            signature = json.loads(answer.body)["signature"]["ed25519"].encode()
            return replace(answer, body=answer.body.replace(signature, b"AAAA" + signature[4:]))
        return replace(answer, body=answer.body[:-3] + bytes([answer.body[-3] ^ 1]) + answer.body[-2:])

    line.between.change = forge
    with pytest.raises(Stop) as caught:
        line.pull()
    assert caught.value.code == "CH-CLIENT-005"
    with duckdb.connect(str(line.into), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM provenance.state").fetchone() == (0,)
    line.between.change = lambda number, request, answer: answer
    line.pull()
    line.equal()


def test_changes_that_do_not_lead_to_what_was_signed_are_not_taken(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    before = line.shelf.rows(DATASET)
    line.shelf.put(indicator_value=values(2.0))

    def lie(number: int, request: Request, answer: Answer) -> Answer:
        return (
            replace(answer, body=answer.body.replace(b"2.0", b"3.0")) if request.path.endswith("/changes") else answer
        )

    line.between.change = lie
    with pytest.raises(Stop) as caught:
        line.pull()
    assert (caught.value.code, caught.value.place["count"]) == ("CH-CLIENT-007", 2)
    assert copied(line.into) == before
    assert line.pull(full=True).how == "full"
    line.equal()


def test_a_receipt_names_the_publication_that_was_taken_though_it_landed_on_the_way(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    line.shelf.put(indicator_value=values(2.0))

    def publish(number: int, request: Request, answer: Answer) -> Answer:
        if request.path.endswith("/publications") and line.shelf.store.latest() == 2:
            line.shelf.put(indicator_value=values(3.0))  # this answer does not know it yet
        return answer

    line.between.change = publish
    found = line.pull()
    assert (found.how, found.to, found.receipt) == ("delta", 3, True)
    line.equal()
    told = sorted((line.shelf.settings.home / "receipts").glob("*/*.json"))
    assert [path.parent.name for path in told] == ["000001", "000003"]
    said = json.loads(told[1].read_text())
    body = line.shelf.store.manifest_bytes(3)
    assert (said["sequence"], said["sha256"], said["matches"]) == (3, hashlib.sha256(body).hexdigest(), True)


def test_a_key_that_was_not_there_at_first_is_not_trusted(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    secret = line.shelf.settings.home / "secrets" / "extract_key"
    secret.write_text("ab" * 32)
    line.shelf.put(indicator_value=values(2.0))
    with pytest.raises(Stop) as caught:
        line.pull()
    assert caught.value.code == "CH-CLIENT-006"
    assert line.pull(public_key=sign.signer(line.shelf.settings).public).how == "delta"
    line.equal()


def test_with_a_key_that_came_another_way_no_other_is_trusted(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    with pytest.raises(Stop) as caught:
        line.pull(public_key=b"\1" * 32)
    assert caught.value.code == "CH-CLIENT-006"


def rebuilt(shelf: Shelf, tmp_path: Path) -> Shelf:
    """An empty shelf that signs with the same key."""
    other = Shelf(tmp_path / "other")
    (other.settings.home / "secrets").mkdir(parents=True)
    key_text = (shelf.settings.home / "secrets" / "extract_key").read_text()
    (other.settings.home / "secrets" / "extract_key").write_text(key_text)
    return other


def test_history_that_was_written_anew_is_seen(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    other = rebuilt(line.shelf, tmp_path)
    other.put(indicator_value=values(9.0))
    other.put(indicator_value=values(2.0))
    with served(other) as address:
        line.between.address = address
        with pytest.raises(Stop) as caught:
            line.pull(secret=key(other))
    assert caught.value.code == "CH-CLIENT-011"


def test_a_key_for_some_units_gets_their_rows_without_proof_and_follows_them(line: Line) -> None:
    rows = [value(code, unit, 1.0) for code in ("A", "B", "C") for unit in ("jincheng", "juji")]
    line.shelf.put(indicator_value=rows)
    some = key(line.shelf, "some", units=("juji",))
    found = line.pull(secret=some)
    assert (found.how, found.rows, found.proved) == ("full", 3, False)
    line.shelf.put(indicator_value=[*rows[:2], value("B", "juji", 2.0), value("B", "jincheng", 2.0)])
    found = line.pull(secret=some)
    assert (found.how, found.changes, found.proved) == ("delta", {"revise": 1, "delete": 1}, False)
    assert copied(line.into) == [row for row in line.shelf.rows(DATASET) if row["unit"] == "juji"]


def test_a_key_that_is_none_is_refused_and_never_shown(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    with pytest.raises(Unauthorised) as caught:
        line.pull(secret="chk_wrong_key_of_somebody")
    assert caught.value.code == "CH-CLIENT-002"
    assert "chk_wrong" not in str(caught.value)


def test_a_copy_belongs_to_one_service(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    with pytest.raises(Stop) as caught:
        pull(HttpSource(client("http://127.0.0.1:9", "k")), line.into)
    assert caught.value.code == "CH-CLIENT-008"


def test_an_address_on_another_host_is_not_followed() -> None:
    with vendor(lambda request: Answer(b"", 302, {"Location": "http://192.0.2.1/"})) as server:
        with pytest.raises(Stop) as caught:
            Client(server.address, "k", policy=QUICK).catalog()
        assert caught.value.code == "CH-CLIENT-004"
        with pytest.raises(Stop) as caught:
            Client(server.address, "k", policy=QUICK).small("//192.0.2.1/x")
        assert caught.value.code == "CH-CLIENT-004"


KILLED = """
import sys
from pathlib import Path
from extracts.pull import run, source
from extracts.pull.source import HttpSource
from tests.extracts.hub import client
source.PAGE = 2
run.pull(HttpSource(client(sys.argv[1], sys.argv[2])), Path(sys.argv[3]), receipts=False)
"""


def test_killed_at_any_page_goes_on_and_ends_with_the_newest_rows(line: Line) -> None:
    line.shelf.put(indicator_value=values(*range(9)))
    line.pull()
    line.shelf.put(indicator_value=values(*(n + 0.5 for n in range(9))))
    running: list[subprocess.Popen[bytes]] = []
    pages: list[str] = []

    def kill(number: int, request: Request, answer: Answer) -> Answer:
        if request.path.endswith("/changes"):
            pages.append(request.query.get("cursor", ""))
            if len(pages) in {1, 3}:
                os.kill(running[-1].pid, signal.SIGKILL)
                running[-1].wait()
        return answer

    line.between.change = kill
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        arguments = [sys.executable, "-c", KILLED, line.address, line.secret, str(line.into)]
        running.append(subprocess.Popen(arguments, cwd=Path(__file__).parents[2]))
        codes.append(running[-1].wait())
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert len(pages) == 7  # five pages, and the two whose answer was lost once more
    line.equal()


def test_the_manifest_of_the_first_trust_is_the_one_that_a_person_can_compare(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    with duckdb.connect(str(line.into), read_only=True) as con:
        [(name, public)] = con.execute("SELECT key_id, public_key FROM provenance.trusted").fetchall()
    assert (name, public) == (sign.key_id(public), sign.signer(line.shelf.settings).public)
    told = json.loads(json.dumps(base64.b64encode(public).decode()))
    assert told == client(line.address, line.secret).publication(DATASET)["public_key"]


def test_a_file_taken_with_the_client_alone_is_whole_or_not_there(line: Line, tmp_path: Path) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.between.change = lambda number, request, answer: replace(answer, body=answer.body[::-1])
    with pytest.raises(Stop) as caught:
        client(line.address, line.secret).download("/v1/files/x.parquet", tmp_path / "x", "0" * 64, 1)
    assert caught.value.code in {"CH-CLIENT-004", "CH-CLIENT-005"}
    item = line.shelf.store.manifest(1).file(DATASET, "parquet")
    assert item is not None
    with pytest.raises(Stop) as caught:
        client(line.address, line.secret).download(
            f"/v1/files/{item.sha256}.parquet", tmp_path / "x", item.sha256, item.bytes
        )
    assert caught.value.code == "CH-CLIENT-005"
    assert list(tmp_path.glob("x*")) == []


def test_a_publication_that_says_something_else_than_before_is_seen(line: Line, tmp_path: Path) -> None:
    line.shelf.put(indicator_value=values(1.0))
    line.pull()
    other = rebuilt(line.shelf, tmp_path)
    other.put(indicator_value=values(9.0))
    with served(other) as address:
        line.between.address = address
        with pytest.raises(Stop) as caught:
            line.pull(secret=key(other), full=True)
    assert caught.value.code == "CH-CLIENT-011"


def test_a_consumer_with_the_client_alone_reads_pages_at_one_publication(line: Line) -> None:
    line.shelf.put(indicator_value=values(1.0, 2.0, 3.0))
    consumer = client(line.address, line.secret)
    assert [(entry["id"], entry["latest"]) for entry in consumer.catalog() if entry["latest"]] == [(DATASET, 1)]
    rows = consumer.records(DATASET, period="2026-11", limit=1)
    first = next(rows)
    line.shelf.put(indicator_value=values(9.0))
    assert [(row["code"], row["value"]) for row in [first, *rows]] == [("A00", 1.0), ("A01", 2.0), ("A02", 3.0)]
    page = consumer.changes(DATASET, since=1, limit=1)
    found = page["items"]
    while page["next"]:
        page = consumer.changes(DATASET, since=1, cursor=page["next"], limit=1)
        found += page["items"]
    assert [(item["op"], item["key"]["code"]) for item in found] == [
        ("revise", "A00"),
        ("delete", "A01"),
        ("delete", "A02"),
    ]
