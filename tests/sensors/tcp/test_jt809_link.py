"""A link of JT/T 809 through the gateway: its heartbeat is answered when the positions before it are on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest
import zstandard

from cityhub.settings import Settings
from sensors.jt809.frame import Frame, read
from sensors.jt809.split import pieces
from sensors.segments import collect
from tests.sensors.jt809.frames import PASSWORD, PLATE, USER, YELLOW, location, sender
from tests.sensors.tcp.conftest import FEED, Peer, Start, toy_spec

DAY = date(2026, 11, 20)


def heard(peer: Peer) -> Frame:
    """The next answer."""
    data = b""
    while not data.endswith(b"\x5d"):
        data += peer.socket.recv(1 << 16)
    (piece,) = pieces(data)
    return read(piece.raw)


def test_a_link_from_login_to_warehouse(
    settings: Settings, start: Start, peers: Callable[..., Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_P_USER", str(USER))
    monkeypatch.setenv("CITYHUB_P_PASSWORD", PASSWORD)
    spec = toy_spec(kind="jt809", user="p_user", password="p_password")
    running = start(spec, kind="jt809", make=None)
    platform, peer = sender(), peers(running.port())
    peer.send(platform.login(USER, PASSWORD))
    assert heard(peer).msg_id == 0x1002
    bad = bytearray(platform.position(PLATE, YELLOW, location(3)))
    bad[-5] ^= 0x11
    positions = [platform.position(PLATE, YELLOW, location(minute)) for minute in (1, 2)]
    peer.send(b"".join([*positions, bytes(bad), platform.heartbeat()]))
    assert heard(peer).msg_id == 0x1006
    assert (settings.spool / FEED).is_dir()
    running.end()
    manifest = collect(settings, spec, DAY)
    assert manifest is not None
    good, refused = (
        [json.loads(line) for line in zstandard.ZstdDecompressor().stream_reader(manifest.path(part).read_bytes())
         .read().splitlines()]
        for part in manifest.parts
    )  # fmt: skip
    assert [record["vehicle_no"] for record in good] == [PLATE, PLATE]
    assert [record["_problem"] for record in refused] == ["bad_checksum"]
