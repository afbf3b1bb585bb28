"""Is every frame that was answered in the warehouse, exactly once?

    python -m bench.loss_tcp hj212|jt808 [--frames 1000000] [--devices 20] [--kills 20] [--json]

Devices send their frames over TCP, each again and again until it is answered, while the gateway is killed (`kill -9`)
in the middle of its work. What is spooled is loaded in micro-batches meanwhile. Exit code 1 when a frame is missing or
stored twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cityhub.clock import SHANGHAI
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import pushed
from sensors.hj212 import encode as hj212
from sensors.jt808 import encode as jt808
from tests.sensors.mqtt_peer import write_feed
from tests.sensors.tcp.process import Process
from tests.servers.mosquitto import free_port
from tests.waiting import wait_for
from warehouse import lake

START, WINDOW, BATCH_KILLS = datetime(2026, 11, 20, tzinfo=SHANGHAI), 200, 4
KEYS = {"hj212": ["mn", "ts", "factor"], "jt808": ["phone", "ts"]}
FIELDS = {
    "hj212": {
        "mn": {"from": "mn"}, "ts": {"from": "data_time", "type": "timestamp"}, "factor": {"from": "factor"},
        "value": {"from": "Rtd", "type": "double"},
    },
    "jt808": {
        "phone": {"from": "terminal_phone"}, "ts": {"from": "time", "type": "timestamp"},
        "lat": {"from": "lat", "type": "double"},
    },
}  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(KEYS))
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = killed(Path(folder), given.kind, given.frames // given.devices, given.devices, given.kills)
    print(json.dumps(told, indent=1) if given.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return int(told["missing"] != 0 or told["twice"] != 0)


class Device:
    """One connection after the other; frames 0, 1, 2, … a second apart, at most `WINDOW` of them unanswered."""

    def __init__(self, kind: str, port: int, number: int, frames: int) -> None:
        self.kind, self.port, self.number, self.frames = kind, port, number, frames
        self.answered = self.sent = self.connections = 0

    def run(self) -> None:
        """Until every frame is answered."""
        while self.answered < self.frames:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 10) as link:
                self.connections += 1
                link.settimeout(10)
                while self.answered < self.frames:
                    self._window(link)

    def _window(self, link: socket.socket) -> None:
        """The next frames; all of them again when the connection ends before all are answered."""
        numbers = range(self.answered, min(self.answered + WINDOW, self.frames))
        link.sendall(b"".join(map(self._frame, numbers)))
        self.sent += len(numbers)
        mark, each = (b"\r\n", 1) if self.kind == "hj212" else (b"\x7e", 2)
        heard = b""
        while heard.count(mark) < len(numbers) * each:  # each frame is answered once on a connection
            data = link.recv(1 << 16)
            if not data:
                raise ConnectionError
            heard += data
        self.answered += len(numbers)

    def _frame(self, number: int) -> bytes:
        moment = START + timedelta(seconds=number)
        if self.kind == "jt808":
            return jt808.frame(
                0x0200, f"0139{self.number:08d}", number & 0xFFFF, jt808.position(moment, 34.5, 114.7, speed_kmh=30)
            )
        text = f"{moment:%Y%m%d%H%M%S}"
        head = {"QN": f"{text}000", "ST": "39", "CN": "2011", "PW": "1", "MN": f"QX{self.number:012d}", "Flag": "5"}
        return hj212.message(head, {"DataTime": text}, {"a34004": {"Rtd": f"{number % 90 + 5}.5", "Flag": "N"}})


def killed(folder: Path, kind: str, frames: int, devices: int, kills: int) -> dict[str, Any]:
    """What was sent, stored, repeated and killed."""
    home, port = folder / "home", free_port()
    settings = Settings(home, folder / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    home.mkdir(parents=True)
    spec = {
        "feed": "dust.line", "platform": "dust", "table": "dust_line", "title": {"zh": "帧", "en": "Frames"},
        "description": "Frames of a measurement", "owner": {"department": "d", "person": "x", "phone": "1"},
        "source": {"kind": kind, "listen": f"127.0.0.1:{port}"},
        "identity": {"key": KEYS[kind], "day_from": "ts"}, "fields": FIELDS[kind],
    }  # fmt: skip
    write_feed(settings, FeedSpec.model_validate(spec))
    os.environ |= {"CITYHUB_HOME": str(home), "CITYHUB_FEEDS": str(settings.feeds)}
    gateway = Process(settings, kind)
    gateway.start()
    own = [Device(kind, port, number, frames) for number in range(devices)]
    total, landed, batches = frames * devices, 0, 0
    started = time.monotonic()
    with ThreadPoolExecutor(devices) as background:
        sending = [background.submit(device.run) for device in own]
        for kill in range(kills):
            until = total * (kill + random.uniform(0.3, 0.9)) / (kills + 1)
            wait_for(lambda until=until: sum(device.answered for device in own) >= until, 900, every=0.002)
            gateway.end(signal.SIGKILL)
            gateway.start()
            if kill % BATCH_KILLS == BATCH_KILLS - 1:
                landed, batches = landed + sum(pushed.take(settings).values()), batches + 1
        for one in sending:
            one.result(900)
    sent_s = time.monotonic() - started
    gateway.end(signal.SIGTERM)
    landed, batches = landed + sum(pushed.take(settings).values()), batches + 1
    with lake.connect(settings, read_only=True) as con:
        names = ", ".join(KEYS[kind])
        ((rows, ids),) = con.execute(f"SELECT count(*), count(DISTINCT ({names})) FROM dust_line").fetchall()
        ((adds_up,),) = con.execute(
            "SELECT bool_and(landed = loaded + duplicate + quarantined) FROM load_log"
        ).fetchall()
    return {
        "sent": total,
        "stored": rows,
        "missing": total - ids,
        "twice": rows - ids,
        "counts_add_up": adds_up,
        "sent_again": sum(device.sent for device in own) - total,
        "duplicates_removed": landed - rows,
        "gateway_kills": kills,
        "connections": sum(device.connections for device in own),
        "micro_batches": batches,
        "answered_in_s": round(sent_s, 1),
        "all_in_s": round(time.monotonic() - started, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
