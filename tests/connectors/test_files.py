"""Dropped files: what is taken and when, what lands, and how a wrong file is named."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import paramiko
import pytest

from cityhub.errors import Retry, Stop, Unauthorised
from connectors.pull import pull
from connectors.retry import Policy
from tests.connectors.feeds import DAY, body, everything_written, quick, settings, spec
from tests.servers.sftp import PASSWORD, USER, sftp
from warehouse.landing import Manifest

TEXT = "编号;面积\r\n道1;1,5\r\n道２;３\r\n"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def get(home: Path, address: Path | str, policy: Policy | None = None, **more: Any) -> Manifest:
    source = {"kind": "files", "address": str(address), "pattern": "road_{day_compact}*", **more}
    policy = policy or quick(sleep=lambda _: None)
    return pull(settings(home / "hub"), spec(source), DAY, policy=policy)


def test_csv_in_gb18030_with_a_bom_lands_as_received(tmp_path: Path, drop: Path) -> None:
    received = ("\ufeff" + TEXT).encode("gb18030")
    (drop / "road_20261120.csv").write_bytes(received)
    (drop / "road_20261119.csv").write_bytes(b"another day")
    manifest = get(tmp_path, drop, encoding="gb18030", delimiter=";", decimal=",")
    assert body(manifest, manifest.parts[0]) == received
    assert manifest.options == {"encoding": "gb18030", "delimiter": ";", "decimal": ",", "header_row": 1}
    assert manifest.parts[0].columns == ("编号", "面积")
    assert manifest.parts[0].request.endswith("/road_20261120.csv")


def test_several_files_and_packed_ones_are_parts_by_name(tmp_path: Path, drop: Path) -> None:
    (drop / "road_20261120_a.csv.gz").write_bytes(gzip.compress(b"id,v\n1,a\n"))
    (drop / "road_20261120_c.csv").write_bytes(b"id,v\n4,d\n")
    with zipfile.ZipFile(drop / "road_20261120_b.zip", "w") as archive:
        archive.writestr("in/2.csv", "id,v\n3,c\n")
        archive.writestr("in/1.csv", "id,v\n2,b\n")
        archive.writestr("__MACOSX/1.csv", "x")
        archive.writestr("in/.hidden", "x")
    manifest = get(tmp_path, drop)
    assert [body(manifest, part)[5:6] for part in manifest.parts] == [b"1", b"2", b"3", b"4"]
    assert "sha256" in manifest.parts[0].request
    assert manifest.parts[1].request.split(" ")[0].endswith("road_20261120_b.zip!in/1.csv")


def test_ndjson_xml_and_xlsx(tmp_path: Path, drop: Path) -> None:
    (drop / "road_20261120.ndjson").write_bytes('{"id":1,"名":"a"}\n'.encode())
    manifest = get(tmp_path / "1", drop, format="ndjson")
    assert manifest.parts[0].columns == ("id", "名")
    (drop / "road_20261120.ndjson").unlink()
    (drop / "road_20261120.xml").write_bytes(b"<r><row><id>1</id></row></r>")
    manifest = get(tmp_path / "2", drop, format="xml", record="row")
    assert manifest.options == {"record": "row"}
    (drop / "road_20261120.xml").unlink()
    (drop / "road_20261120.xlsx").write_bytes(workbook(["台账"], ["编号", "面积"], ["a", 1]))
    manifest = get(tmp_path / "3", drop, format="xlsx", sheet="病虫害", header_row=2)
    assert manifest.options == {"sheet": "病虫害", "header_row": 2}
    assert manifest.parts[0].columns == ("编号", "面积")
    assert body(manifest, manifest.parts[0]) == (drop / "road_20261120.xlsx").read_bytes()


def workbook(*rows: list[Any], sheet: str = "病虫害") -> bytes:
    book = openpyxl.Workbook()
    page = book.create_sheet(sheet, 0)
    for row in rows:
        page.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_nothing_yet_says_what_was_looked_for(tmp_path: Path, drop: Path) -> None:
    (drop / "raod_20261120.csv").write_bytes(b"typing mistake")
    (drop / "road_20261120.csv.tmp").write_bytes(b"unfinished by name")
    with pytest.raises(Retry) as failed:
        get(tmp_path, drop)
    assert failed.value.code == "CH-PULL-051"
    assert "road_20261120*" in str(failed.value)
    assert "raod_20261120.csv" in str(failed.value)
    assert "2026-11-20" in str(failed.value)


def test_a_file_that_grows_while_we_look_is_left_alone(tmp_path: Path, drop: Path) -> None:
    file = drop / "road_20261120.csv"
    file.write_bytes(b"id,v\n1,a\n")

    def writer_goes_on(_: float) -> None:
        with file.open("ab") as handle:
            handle.write(b"2,b\n")

    with pytest.raises(Retry) as failed:
        get(tmp_path, drop, quick(sleep=writer_goes_on))
    assert failed.value.code == "CH-PULL-056"
    assert "from 9 to 13 bytes" in str(failed.value)
    assert list((tmp_path / "hub").rglob("*.zst")) == []


@pytest.mark.parametrize(
    ("content", "encoding", "byte", "hint"),
    [
        (b"id,name\n1," + "杞县".encode("gb18030"), "utf-8", 10, "GB18030"),
        (b"id,name\n1," + "杞县".encode(), "gb18030", 10, "UTF-8"),
        ("id,name\n1,杞县".encode("utf-16"), "utf-8", 0, "UTF-16"),
        (b"id,name\n1,\xff\xff\xff", "utf-8", 10, "neither"),
        (b"id,name\n1,a", "utf-9", 0, "no encoding has this name"),
    ],
)
def test_a_wrong_encoding_names_the_byte_and_what_would_fit(
    tmp_path: Path, drop: Path, content: bytes, encoding: str, byte: int, hint: str
) -> None:
    (drop / "road_20261120.csv").write_bytes(content)
    with pytest.raises(Stop) as stopped:
        get(tmp_path, drop, encoding=encoding)
    assert stopped.value.code == "CH-PULL-052"
    assert stopped.value.place["byte"] == byte
    assert hint in str(stopped.value)
    assert "road_20261120.csv" in str(stopped.value)


def test_a_wrong_sheet_lists_those_there_are(tmp_path: Path, drop: Path) -> None:
    (drop / "road_20261120.xlsx").write_bytes(workbook(["编号"], sheet="病虫害(新)"))
    with pytest.raises(Stop) as stopped:
        get(tmp_path, drop, format="xlsx", sheet="病虫害")
    assert stopped.value.code == "CH-PULL-053"
    assert "病虫害(新)" in str(stopped.value)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("road_20261120.xlsx", b"no workbook", {"format": "xlsx"}),
        ("road_20261120.xml", b"<r><row>", {"format": "xml", "record": "row"}),
        ("road_20261120.csv.gz", gzip.compress(b"id,v\n1,a\n" * 99, mtime=0)[:-9], {}),
        ("road_20261120.zip", b"PK\x03\x04 broken", {}),
        ("road_20261120.csv", b"", {}),
        ("road_20261120.ndjson", b"{not json}\n", {"format": "ndjson"}),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, drop: Path, name: str, content: bytes, options: dict[str, Any]
) -> None:
    (drop / name).write_bytes(content)
    with pytest.raises(Stop) as stopped:
        get(tmp_path, drop, **options)
    assert stopped.value.code == "CH-PULL-055"
    assert name.removesuffix(".gz") in str(stopped.value)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(Stop) as stopped:
        get(tmp_path, tmp_path / "not-mounted")
    assert stopped.value.code == "CH-PULL-050"
    with pytest.raises(Stop) as stopped:
        get(tmp_path, "ftp://host/folder")
    assert stopped.value.code == "CH-PULL-020"


# SFTP


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("CITYHUB_D_USER", USER)
    monkeypatch.setenv("CITYHUB_D_PASSWORD", PASSWORD)
    return {"user": "d_user", "password": "d_password", "host_key": "d_host_key"}


def test_sftp_lands_the_file(
    tmp_path: Path, drop: Path, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"id,v\n" + b"1,abcdefgh\n" * 20_000
    (drop / "in").mkdir()
    (drop / "in" / "road_20261120.csv").write_bytes(content)
    with sftp(drop) as server:
        monkeypatch.setenv("CITYHUB_D_HOST_KEY", server.key_line)
        manifest = get(tmp_path, server.address + "/in", **login)
        assert body(manifest, manifest.parts[0]) == content
        assert manifest.parts[0].request == f"{server.address}/in/road_20261120.csv"
        with pytest.raises(Stop) as stopped:
            get(tmp_path / "2", server.address + "/nowhere", **login)
        assert stopped.value.code == "CH-PULL-050"
    assert PASSWORD.encode() not in everything_written(tmp_path / "hub")


def test_sftp_with_a_wrong_password(
    tmp_path: Path, drop: Path, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_D_PASSWORD", "wrong-pw-9")
    with sftp(drop) as server:
        monkeypatch.setenv("CITYHUB_D_HOST_KEY", server.key_line)
        with pytest.raises(Unauthorised) as refused:
            get(tmp_path, server.address, **login)
    assert "d_user, d_password" in str(refused.value)
    assert "wrong-pw-9" not in str(refused.value)


def test_sftp_refuses_a_server_that_shows_another_key(
    tmp_path: Path, drop: Path, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = paramiko.ECDSAKey.generate()
    with sftp(drop) as server:
        for line in (f"{other.get_name()} {other.get_base64()}", "no key line"):
            monkeypatch.setenv("CITYHUB_D_HOST_KEY", line)
            with pytest.raises(Stop) as stopped:
                get(tmp_path, server.address, **login)
            assert stopped.value.code == "CH-PULL-054"
            assert "d_host_key" in str(stopped.value)
        del login["host_key"]
        with pytest.raises(Stop) as stopped:
            get(tmp_path, server.address, **login)
        assert stopped.value.code == "CH-PULL-054"


def test_sftp_with_nobody_there(
    tmp_path: Path, drop: Path, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sftp(drop) as server:
        monkeypatch.setenv("CITYHUB_D_HOST_KEY", server.key_line)
    with pytest.raises(Retry) as failed:
        get(tmp_path, server.address, **login)
    assert failed.value.code == "CH-PULL-003"
