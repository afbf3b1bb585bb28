"""`kill -9` of a real gateway process in the middle of its work: what was answered is in the warehouse, once."""

from __future__ import annotations

import itertools
import re
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cityhub.clock import SHANGHAI
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import pushed
from sensors import status
from sensors.hj212 import encode as hj212
from sensors.jt808 import encode as jt808
from sensors.jt808.framing import Frame, parse
from tests.sensors.mqtt_peer import write_feed
from tests.sensors.tcp.conftest import toy_spec
from tests.sensors.tcp.process import Process, installation
from tests.servers.mosquitto import free_port
from tests.waiting import wait_for
from warehouse import lake

START = datetime(2026, 11, 20, 8, tzinfo=SHANGHAI)
FRAMES, KILLS, WINDOW = 3000, 4, 40


class Device:
    """Sends its frames until each one is answered, over as many connections as it takes."""

    def __init__(self, port: int, frames: dict[str, bytes], answered: Callable[[bytes], set[str]]) -> None:
        self.port, self.open, self._answered = port, dict(frames), answered
        self.sent = 0

    def run(self) -> None:
        """Until nothing is open."""
        while self.open:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 10) as link:
                link.settimeout(10)
                while self.open:
                    self._window(link)

    def _window(self, link: socket.socket) -> None:
        wanted = dict(itertools.islice(self.open.items(), WINDOW))
        link.sendall(b"".join(wanted.values()))
        self.sent += len(wanted)
        heard = b""
        while wanted:
            data = link.recv(1 << 16)
            if not data:
                raise ConnectionError
            heard += data
            for name in self._answered(heard) & wanted.keys():
                del wanted[name]
                del self.open[name]


def dust_frames() -> dict[str, bytes]:
    made = {}
    for number in range(FRAMES):
        moment = START + timedelta(seconds=number)
        qn = f"{moment:%Y%m%d%H%M%S}{number % 1000:03d}"
        head = {"QN": qn, "ST": "39", "CN": "2011", "PW": "123456", "MN": f"QX{number % 7:012d}", "Flag": "5"}
        factors = {"a34004": {"Rtd": str(number), "Flag": "N"}, "a34002": {"Rtd": "70", "Flag": "N"}}
        made[qn] = hj212.message(head, {"DataTime": f"{moment:%Y%m%d%H%M%S}"}, factors)
    return made


def dust_answered(heard: bytes) -> set[str]:
    return {found.decode() for found in re.findall(rb"QN=(\d{17});ST=91;CN=9014[^#]*?\r\n", heard)}


def truck_frames() -> dict[str, bytes]:
    return {
        str(number): jt808.frame(
            0x0200, "013941022001", number, jt808.position(START + timedelta(seconds=number), 34.5, 114.7)
        )
        for number in range(FRAMES)
    }


def truck_answered(heard: bytes) -> set[str]:
    whole = heard[: heard.rfind(b"\x7e") + 1]
    frames = [parse(segment) for segment in whole.split(b"\x7e") if segment]
    return {
        str(int.from_bytes(frame.body[:2], "big"))
        for frame in frames
        if isinstance(frame, Frame) and frame.msg_id == 0x8001 and frame.body[4] == 0
    }


def made_spec(kind: str, port: int, key: list[str], fields: dict[str, dict[str, str]]) -> FeedSpec:
    spec = toy_spec().model_dump(by_alias=True, exclude_none=True)
    source = {"kind": kind, "listen": f"127.0.0.1:{port}"}
    return FeedSpec.model_validate({**spec, "source": source, "identity": {"key": key}, "fields": fields})


CASES = {
    "hj212": (
        dust_frames, dust_answered, ["mn", "ts", "factor"],
        {"mn": {"from": "mn"}, "ts": {"from": "data_time", "type": "timestamp"}, "factor": {"from": "factor"},
         "value": {"from": "Rtd", "type": "double"}},
    ),
    "jt808": (
        truck_frames, truck_answered, ["phone", "ts"],
        {"phone": {"from": "terminal_phone"}, "ts": {"from": "time", "type": "timestamp"},
         "lat": {"from": "lat", "type": "double"}},
    ),
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    yield from installation(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def toy_landing() -> None:
    """These are the real protocols."""


@pytest.mark.parametrize("kind", CASES)
def test_every_frame_is_in_the_warehouse_once_although_the_gateway_is_killed(settings: Settings, kind: str) -> None:
    frames_of, answered, key, fields = CASES[kind]
    port = free_port()
    write_feed(settings, made_spec(kind, port, key, fields))
    gateway, frames = Process(settings, kind), frames_of()
    device = Device(port, frames, answered)
    gateway.start()
    with ThreadPoolExecutor(1) as background:
        sending = background.submit(device.run)
        for kill in range(KILLS):
            wait_for(lambda until=FRAMES - (kill + 1) * FRAMES // 8: len(device.open) <= until, 60)
            gateway.end(signal.SIGKILL)
            if kill == 2:
                pushed.take(settings)  # a micro-batch between two lives
            gateway.start()
        sending.result(120)
    assert gateway.end(signal.SIGTERM) == 0
    pushed.take(settings)
    con = lake.connect(settings)
    try:
        names = ", ".join(key)
        ((rows, distinct),) = con.execute(f"SELECT count(*), count(DISTINCT ({names})) FROM dust_line").fetchall()
        each = 2 if kind == "hj212" else 1
        assert rows == distinct == FRAMES * each
        ((landed, adds_up),) = con.execute(
            "SELECT sum(landed), bool_and(landed = loaded + duplicate + quarantined) FROM load_log"
        ).fetchall()
        assert landed >= rows
        assert adds_up
    finally:
        con.close()
    told = status.read(settings, kind)
    assert told is not None
    assert told["state"] == "stopped"
