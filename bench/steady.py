"""Does a gateway's memory stay where it is? Half of what it can take, for ten minutes.

    python -m bench.steady hj212|jt808|mqtt [--rate N] [--seconds 600] [--json]

The gateway is the process that compose runs; its closed segments are taken away as a load would take them. Resident
memory is read every second. Exit code 1 when the last quarter needs over 5 % and 8 MB more than the second one.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.gateways import server
from bench.gateways_load import frames
from bench.loss import made
from tests.sensors.gateway_process import Gateway
from tests.servers.mosquitto import Broker
from tests.waiting import wait_for

Send = Callable[[int, float], tuple[int, int]]
RATES = {"hj212": 20_000, "jt808": 100_000, "mqtt": 12_000}
CONNECTIONS, CHUNK, WINDOW = 200, 50, 5000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(RATES))
    parser.add_argument("--rate", type=int)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told = measured(given.kind, given.rate or RATES[given.kind], given.seconds)
    print(json.dumps(told, indent=1) if given.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return int(not told["flat"])


def measured(kind: str, rate: int, seconds: float) -> dict[str, Any]:
    """Megabytes by quarter, and what was sent and answered."""
    with _mqtt() if kind == "mqtt" else _tcp(kind) as (pid, home, send):
        stop = threading.Event()
        seen: list[float] = []
        watching = threading.Thread(target=_watch, args=(pid, home / "spool", seen, stop))
        watching.start()
        try:
            sent, answered = send(rate, time.monotonic() + seconds)
        finally:
            stop.set()
            watching.join()
    quarter = max(1, len(seen) // 4)
    quarters = [round(statistics.median(seen[at * quarter : (at + 1) * quarter]), 1) for at in range(4)]
    return {
        "sent": sent,
        "answered": answered,
        "per_s": round(answered / seconds),
        "rss_mb_by_quarter": quarters,
        "most_mb": round(max(seen), 1),
        "flat": quarters[3] <= max(quarters[1] * 1.05, quarters[1] + 8),
    }


def _watch(pid: int, spool: Path, seen: list[float], stop: threading.Event) -> None:
    while not stop.wait(1):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        seen.append(next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")))
        for path in spool.glob("*/*.ndjson"):
            path.unlink()


@contextmanager
def _tcp(kind: str) -> Iterator[tuple[int, Path, Send]]:
    """A gateway of compose: its process, its home, and a load for it."""
    with server("hub", kind) as (process, port):
        told = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        home = next(item.partition(b"=")[2] for item in told if item.startswith(b"CITYHUB_HOME="))
        yield process.pid, Path(home.decode()), partial(_frames, kind, port)


def _frames(kind: str, port: int, rate: int, until: float) -> tuple[int, int]:
    """Send at a rate over many connections; frames sent and answered."""
    mark, each = (b"\r", 1) if kind == "hj212" else (b"\x7e", 2)
    chunks = [b"".join(frames(kind, device, CHUNK)) for device in range(CONNECTIONS)]
    links = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    open_answers = [0] * CONNECTIONS
    selector = selectors.DefaultSelector()
    for place, link in enumerate(links):
        selector.register(link, selectors.EVENT_READ, place)
    sent = marks = 0
    began, place = time.monotonic(), 0
    while time.monotonic() < until:
        due = int((time.monotonic() - began) * rate)
        tried = 0
        while sent < due and tried < CONNECTIONS:
            place, tried = (place + 1) % CONNECTIONS, tried + 1
            if open_answers[place] <= 0:
                links[place].sendall(chunks[place])
                open_answers[place] += CHUNK * each
                sent += CHUNK
        for key, _ in selector.select(0.002):
            heard = links[key.data].recv(1 << 18).count(mark)
            open_answers[key.data] -= heard
            marks += heard
    return sent, marks // each


@contextmanager
def _mqtt() -> Iterator[tuple[int, Path, Send]]:
    """A broker, a gateway, and a publisher."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker").start()
        settings = made(Path(folder), broker.address)
        gateway = Gateway(settings).start().ready()

        def send(rate: int, until: float) -> tuple[int, int]:
            sent = _messages(broker.port, rate, until)
            wait_for(lambda: gateway.counted("acknowledged") >= sent, 60, every=0.5)
            return sent, gateway.counted("acknowledged")

        try:
            yield int(gateway.status()["pid"]), settings.home, send
        finally:
            gateway.stop()
            broker.stop()


def _messages(port: int, rate: int, until: float) -> int:
    """Publish at QoS 1 over MQTT 3.1.1, packets made beforehand: a client library would be the limit. Messages that the
    broker has acknowledged."""
    made = []
    for number in range(WINDOW):
        body = json.dumps({"id": number, "mm": 12.5, "note": "x" * 150}).encode()
        topic = f"t/level/p{number % 500}".encode()
        rest = len(topic).to_bytes(2, "big") + topic + (number + 1).to_bytes(2, "big") + body
        made.append(bytes((0x32, len(rest) % 128 + 128, len(rest) // 128)) + rest)
    chunks = [b"".join(made[at : at + CHUNK]) for at in range(0, WINDOW, CHUNK)]
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(bytes.fromhex("100f00044d51545404020000") + b"\0\3pub")
        link.recv(4)
        link.setblocking(False)
        sent, heard, began = 0, 0, time.monotonic()
        selector = selectors.DefaultSelector()
        selector.register(link, selectors.EVENT_READ)
        while time.monotonic() < until or heard < sent * 4:
            due = int((time.monotonic() - began) * rate) if time.monotonic() < until else 0
            while sent < due and sent - heard // 4 <= WINDOW - CHUNK:
                link.setblocking(True)
                link.sendall(chunks[sent // CHUNK % len(chunks)])
                link.setblocking(False)
                sent += CHUNK
            if selector.select(0.002):
                heard += len(link.recv(1 << 16))  # a PUBACK has 4 bytes
    return heard // 4


if __name__ == "__main__":
    sys.exit(main())
