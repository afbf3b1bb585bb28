"""The frame of the TCP gateways: answered means on disk, and nobody can hurt the others."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from sensors.segments import collect
from sensors.spool import Limits, Spool
from tests.sensors.tcp.conftest import FEED, Peer, Start, toy_spec
from tests.sensors.test_segments import landed_ids
from tests.waiting import wait_for

DAY = date(2026, 11, 20)
Peers = Callable[..., Peer]


class Disk:
    """A disk that can be full, and one that keeps its writer waiting."""

    def __init__(self) -> None:
        self.full, self.writes = False, 0
        self.free = threading.Event()
        self.free.set()

    def write(self, fd: int, data: memoryview) -> int:
        self.free.wait(30)
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writes += 1
        return os.write(fd, data)

    @property
    def spool(self) -> Callable[..., Spool]:
        return partial(Spool, write=self.write)


def collected(settings: Settings, **source: object) -> list[str]:
    collect(settings, toy_spec(**source), DAY)
    return [str(name) for name in landed_ids(settings, FEED)]


def test_glued_and_split_frames_are_answered_when_they_are_on_disk(
    settings: Settings, start: Start, peers: Peers
) -> None:
    disk = Disk()
    running = start(spool=disk.spool)
    peer = peers(running.port())
    disk.free.clear()
    peer.send(b"ping\na one\nb two\nc th")
    assert peer.read() == ["pong"]  # at once; the others wait for the disk
    wait_for(lambda: running.number("waiting_bytes"))
    assert running.status()["durable"] == 0
    disk.free.set()
    assert peer.read(2) == ["ok a", "ok b"]
    peer.send(b"ree\n")
    assert peer.read() == ["ok c"]
    final = running.end()
    assert final["state"] == "stopped"
    assert final["durable"] == 2  # lines of the spool: one a read
    assert final["numbers"]["frames"] == {"frames": 4}
    assert collected(settings) == ["a", "b", "c"]


def test_frames_go_to_the_feed_of_their_route(settings: Settings, start: Start, peers: Peers) -> None:
    running = start(toy_spec(), toy_spec(feed="dust.second"))
    peer = peers(running.port()).send(b"first x\nsecond y\n")
    assert peer.read(2) == ["ok first", "ok second"]
    running.end()
    for feed, name in ((FEED, "first"), ("dust.second", "second")):
        collect(settings, toy_spec(feed=feed), DAY)
        assert landed_ids(settings, feed) == [name]


def test_what_a_lost_connection_left_half_is_kept(settings: Settings, start: Start, peers: Peers) -> None:
    running = start()
    peer = peers(running.port()).send(b"a x\nhalf of a fra")
    assert peer.read() == ["ok a"]
    peer.close()
    wait_for(lambda: running.number("connections") == 0)
    assert running.end()["numbers"]["frames"] == {"frames": 1, "truncated": 1}
    manifest = collect(settings, toy_spec(), DAY)
    assert manifest is not None
    assert [part.columns for part in manifest.parts] == [(), ("_problem",)]


def test_a_full_disk_answers_nothing_and_goes_on_by_itself(settings: Settings, start: Start, peers: Peers) -> None:
    disk = Disk()
    running = start(spool=disk.spool, limits=Limits(retry_s=0.02, group_s=0))
    early, late = peers(running.port()), peers(running.port())
    early.send(b"a x\n").read()
    disk.full = True
    early.send(b"b x\n")
    wait_for(lambda: running.status()["state"] == "degraded")
    assert running.status()["spool_error"]["code"] == "CH-PUSH-010"
    assert running.number("reading") == 0
    late.send(b"ping\n")
    newest = peers(running.port()).send(b"ping\n")
    for peer in (early, late, newest):
        peer.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.read()
        peer.socket.settimeout(30)
    disk.full = False
    assert early.read() == ["ok b"]
    assert late.read() == newest.read() == ["pong"]
    wait_for(lambda: running.status()["state"] == "ready")
    running.end()
    assert collected(settings) == ["a", "b"]


def test_memory_is_bounded_while_the_disk_is_slow(settings: Settings, start: Start, peers: Peers) -> None:
    disk = Disk()
    limit = 1 << 20
    running = start(spool=disk.spool, limits=Limits(pending_bytes=limit, group_s=0))
    port = running.port()
    disk.free.clear()
    frames, senders = [b"%06d %b\n" % (n, b"x" * 900) for n in range(8000)], 4
    sent = [peers(port) for _ in range(senders)]
    threads = [
        threading.Thread(target=peer.send, args=(b"".join(frames[place::senders]),)) for place, peer in enumerate(sent)
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: running.number("reading") == 0)
    # what each connection may have had in its last read comes on top, as base64
    assert limit <= running.number("waiting_bytes") <= limit + senders * (256 << 10) * 1.4
    disk.free.set()
    assert sum(len(peer.read(len(frames) // senders)) for peer in sent) == len(frames)
    for thread in threads:
        thread.join()
    assert running.end()["numbers"]["frames"]["frames"] == len(frames)
    assert len(set(collected(settings))) == len(frames)


def test_a_peer_that_reads_no_answers_is_cut_off_and_others_are_served(start: Start, peers: Peers) -> None:
    running = start(toy_spec("127.0.0.1:0?frame_s=0.3"))
    port = running.port()
    greedy = peers(port)
    greedy.socket.settimeout(0.2)
    with pytest.raises((TimeoutError, ConnectionError)):
        while True:
            greedy.send(b"ping\n" * 10_000)
    assert peers(port).send(b"a x\n").read() == ["ok a"]
    wait_for(lambda: (running.number("ended") or {}).get("reads no answers") == 1)
    wait_for(lambda: running.number("connections") == 1, 20)


def test_a_frame_that_never_ends_and_one_that_is_too_long_are_cut_off(
    settings: Settings, start: Start, peers: Peers
) -> None:
    running = start(toy_spec("127.0.0.1:0?frame_s=0.3"))
    port = running.port()
    loris, long, good = peers(port), peers(port), peers(port)
    loris.send(b"sl")
    long.send(b"x" * 2000)
    assert long.ended()
    assert good.send(b"a x\n").read() == ["ok a"]
    assert loris.ended()
    assert good.send(b"b x\n").read() == ["ok b"]
    final = running.end()
    assert final["numbers"]["ended"] == {
        "frame too long": 1, "frame not finished in time": 1, "gateway stops": 1,
    }  # fmt: skip
    manifest = collect(settings, toy_spec(), DAY)
    assert manifest is not None
    assert [part.columns for part in manifest.parts] == [(), ("_problem",)]


def test_an_idle_connection_is_closed(start: Start, peers: Peers) -> None:
    running = start(toy_spec("127.0.0.1:0?idle_s=0.2"))
    assert peers(running.port()).ended()
    assert running.end()["numbers"]["ended"] == {"idle": 1}


def test_too_many_connections_are_closed_unheard(start: Start, peers: Peers) -> None:
    running = start(toy_spec("127.0.0.1:0?connections=2"))
    port = running.port()
    first, second = peers(port), peers(port)
    assert first.send(b"ping\n").read() == second.send(b"ping\n").read() == ["pong"]
    assert peers(port).ended()
    first.close()
    wait_for(lambda: running.number("connections") == 1)
    assert peers(port).send(b"ping\n").read() == ["pong"]
    assert running.end()["numbers"]["refused"] == {"too many connections": 1}


def test_only_networks_on_the_allow_list_are_heard(start: Start, peers: Peers) -> None:
    running = start(toy_spec(allow=["10.0.0.0/8"]))
    assert peers(running.port()).ended()
    final = running.end()
    assert final["numbers"]["refused"] == {"not on the allow-list": 1}
    running = start(toy_spec(allow=["10.0.0.0/8", "127.0.0.0/8"]))
    assert peers(running.port()).send(b"ping\n").read() == ["pong"]


def test_a_connection_ends_with_its_answers(settings: Settings, start: Start, peers: Peers) -> None:
    running = start()
    port = running.port()
    leaving = peers(port).send(b"bye\n")
    assert leaving.read(2) == ["ok bye"]
    half = peers(port).send(b"last x\n")
    half.socket.shutdown(socket.SHUT_WR)
    assert half.read(2) == ["ok last"]
    running.end()


def test_a_drain_stores_and_answers_what_was_received(settings: Settings, start: Start, peers: Peers) -> None:
    disk = Disk()
    running = start(spool=disk.spool)
    peer = peers(running.port())
    disk.free.clear()
    peer.send(b"a x\nb y\n")
    wait_for(lambda: running.number("waiting_bytes"))
    running.stop.set()
    wait_for(lambda: running.status()["state"] == "draining" or not running.ending.done())
    disk.free.set()
    assert peer.read(3) == ["ok a", "ok b"]
    assert running.end()["state"] == "stopped"
    assert not list((settings.spool / FEED).glob("*.open"))
    assert collected(settings) == ["a", "b"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, server.pem + server.key, client.pem + client.key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder = tmp_path_factory.mktemp("tls")
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "server", "client")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"hub {name}")]) for name in keys}
    now = datetime.now(UTC)
    for name, key in keys.items():
        made = (
            x509.CertificateBuilder()
            .subject_name(names[name])
            .issuer_name(names["ca"])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(keys["ca"], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return folder


def test_tls_with_client_certificates(
    start: Start, peers: Peers, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_SECRETS", str(authority))  # names without a slash are files of the secrets folder
    running = start(toy_spec(f"127.0.0.1:0?cert={authority}/server.pem&key=server.key&client_ca=ca.pem"))
    port = running.port()
    known = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    stranger = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    known.load_cert_chain(authority / "client.pem", authority / "client.key")
    wrap = partial(known.wrap_socket, server_hostname="localhost")
    good = peers(port, wrap=wrap)
    assert good.send(b"a x\n").read() == ["ok a"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        refused = peers(port, wrap=partial(stranger.wrap_socket, server_hostname="localhost"))
        refused.send(b"ping\n")
        assert not refused.read()
        raise ConnectionError
    with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
        peers(port).send(b"ping\n" * 100).socket.recv(1)
        raise ConnectionError
    assert good.send(b"b x\n").read() == ["ok b"]
    good.close()
    final = running.end()
    assert final["numbers"]["refused"] == {"handshake failed": 2}
    assert final["numbers"]["accepted"] == 1


@pytest.mark.parametrize(
    ("listen", "code", "words"),
    [
        ("nowhere", "CH-PUSH-030", "host:port"),
        ("127.0.0.1:0?idle=3", "CH-PUSH-030", "?idle="),
        ("127.0.0.1:0?idle_s=soon", "CH-PUSH-030", "numbers"),
        ("127.0.0.1:0?cert=a.pem", "CH-PUSH-030", "both cert and key"),
        ("127.0.0.1:0?cert=/none.pem&key=/none.key", "CH-PUSH-034", "No such file"),
        ("203.0.113.7:1", "CH-PUSH-031", "203.0.113.7:1"),
    ],
)
def test_addresses_that_cannot_be_used(start: Start, listen: str, code: str, words: str) -> None:
    with pytest.raises(HubError) as stopped:
        start(toy_spec(listen)).ending.result(30)
    assert stopped.value.code == code
    assert words in stopped.value.text()


def test_feeds_of_one_port_must_agree(start: Start) -> None:
    with pytest.raises(HubError) as stopped:
        start(toy_spec(sm4_key="a"), toy_spec(feed="dust.second", sm4_key="b")).ending.result(30)
    assert "`sm4_key`" in stopped.value.text()
    with pytest.raises(HubError) as stopped:
        start(toy_spec("127.0.0.1:9"), toy_spec("127.0.0.1:9?idle_s=9", feed="dust.second")).ending.result(30)
    assert "share a port" in stopped.value.text()


def test_one_gateway_of_a_kind_and_none_without_feeds(start: Start) -> None:
    running = start()
    running.port()
    with pytest.raises(HubError) as stopped:
        start(toy_spec(feed="dust.second"), lock_s=0.1).ending.result(60)
    assert stopped.value.code == "CH-PUSH-032"
    running.end()
    with pytest.raises(HubError) as stopped:
        start(toy_spec(kind="jt808")).ending.result(30)
    assert stopped.value.code == "CH-PUSH-033"


def test_numbers_and_health_over_http(settings: Settings, start: Start, peers: Peers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        where = f"127.0.0.1:{probe.getsockname()[1]}"
    running = start(metrics=where)
    peer = peers(running.port())
    peer.send(b"a x\nbad y\n").read(2)

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{where}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    code, text = get("/metrics")
    assert code == 200
    for line in (
        'cityhub_gateway_connections{gateway="hj212"} 1.0',
        'cityhub_gateway_frames_total{gateway="hj212",outcome="frames"} 1.0',
        'cityhub_gateway_frames_total{gateway="hj212",outcome="bad"} 1.0',
        'cityhub_gateway_received_bytes_total{gateway="hj212"} 10.0',
        'cityhub_gateway_durable_lines_total{gateway="hj212"} 1.0',
        'cityhub_gateway_fsync_seconds_count{gateway="hj212"} 1.0',
        'cityhub_gateway_waiting_bytes{gateway="hj212"} 0.0',
        "cityhub_gateway_last_frame_age_seconds{",
    ):
        assert line in text, line
    assert get("/health") == (200, '{"gateway": "hj212", "healthy": true}')
    assert get("/")[0] == 404
    running.end()


def test_many_idle_and_busy_connections_at_once(settings: Settings, start: Start, peers: Peers) -> None:
    running = start()
    port = running.port()
    idle = [peers(port) for _ in range(100)]
    busy = [peers(port) for _ in range(20)]
    for turn in range(5):
        for place, peer in enumerate(busy):
            peer.send(b"".join(b"%d-%d-%d x\n" % (turn, place, n) for n in range(10)))
        for peer in busy:
            assert len(peer.read(10)) == 10
    assert all(peer.send(b"ping\n").read() == ["pong"] for peer in idle)
    assert running.end()["numbers"]["frames"] == {"frames": 5 * 20 * 10 + 100}
    assert len(set(collected(settings))) == 1000
