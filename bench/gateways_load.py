"""What `bench/gateways.py` runs in processes of their own: a load of many devices, a server that throws everything
away, and a server as one writes it first.

    python -m bench.gateways_load send KIND PORT FRAMES CONNECTIONS WINDOW IDLE devices; a line of JSON at the end
    python -m bench.gateways_load null KIND                                     receives, answers nothing
    python -m bench.gateways_load naive KIND FILE                               a coroutine and a loop per frame

Servers print their port first. Frames are the same for all: HJ 212 with nine factors (about 383 bytes), JT/T 808
positions of 2013 (43 bytes), JT/T 809 positions (92 bytes), whose only answer is that of a heartbeat after them.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import socket
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from cityhub.clock import SHANGHAI

START = datetime(2026, 11, 20, tzinfo=SHANGHAI)
FACTORS = ("a34001", "a34002", "a34004", "a01001", "a01002", "a01006", "a01007", "a01008", "LA")
ANSWER = {"hj212": b"\r", "jt808": b"\x7e", "jt809": b"\x5d"}  # a byte by which answers are counted: no read splits it
MARKS = {"hj212": 1, "jt808": 2, "jt809": 0}  # of these in the answer to a frame
MARKS_OF_CHUNK = {"hj212": 0, "jt808": 0, "jt809": 1}  # and to what goes after a chunk


def frames(kind: str, device: int, count: int) -> list[bytes]:
    """Frames of one device, a second apart."""
    moments = [START + timedelta(seconds=number) for number in range(count)]
    if kind == "hj212":
        from sensors.hj212 import encode

        made = []
        for number, moment in enumerate(moments):
            head = {"QN": f"{moment:%Y%m%d%H%M%S}{device % 1000:03d}", "ST": "39", "CN": "2011", "PW": "123456"}
            head |= {"MN": f"QX{device:022d}", "Flag": "5"}
            values = {code: {"Rtd": f"{20 + number % 60}.{place}", "Flag": "N"} for place, code in enumerate(FACTORS)}
            made.append(encode.message(head, {"DataTime": f"{moment:%Y%m%d%H%M%S}"}, values))
        return made
    if kind == "jt809":
        from sensors.jt809.encode import Sender, location_2011

        sender = Sender(41022100, serial=device * 1000)
        return [sender.position(f"豫B{device:05d}", 2, location_2011(moment, 34.5, 114.7)) for moment in moments]
    from sensors.jt808 import encode as jt808

    return [
        jt808.frame(0x0200, f"{13900000000 + device:012d}", number & 0xFFFF, jt808.position(moment, 34.5, 114.7))
        for number, moment in enumerate(moments)
    ]


def opened(kind: str, port: int) -> socket.socket:
    """A connection that may send data."""
    link = socket.create_connection(("127.0.0.1", port))
    if kind == "jt809":
        from sensors.jt809.encode import Sender

        link.sendall(Sender(41022100).login(41022100, "bench"))
    return link


def send(kind: str, port: int, count: int, connections: int, window: int, idle: int = 0) -> dict[str, float]:
    """Send `count` frames over many connections, each with at most `window` that are not answered; window 0 sends
    without waiting for any. Seconds from the first byte to the last answer (or until the server has read all).
    `idle` more connections say nothing.
    """
    each = count // connections
    step = min(window or 50, each)
    prepared = [frames(kind, device, max(min(each, 500) // step, 1) * step) for device in range(connections)]
    after = b""
    if kind == "jt809":
        from sensors.jt809.encode import Sender

        after = Sender(41022100).heartbeat()
    chunks = [
        [b"".join(own[at : at + step]) + after for at in range(0, len(own), step)] for own in prepared
    ]  # sent round and round: rendering a million frames would take longer than the measurement
    mark, marks = ANSWER[kind], step * MARKS[kind] + MARKS_OF_CHUNK[kind]
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle)]
    links = [opened(kind, port) for _ in range(connections)]
    if kind == "jt809" and window:
        for link in links:
            link.recv(1 << 10)  # the login's answer
    began = time.perf_counter()
    if not window:
        _flood(links, chunks, each, step)
    else:
        selector = selectors.DefaultSelector()
        state = []
        for place, link in enumerate(links):
            link.sendall(chunks[place][0])
            selector.register(link, selectors.EVENT_READ, place)
            state.append([step, 0, marks])  # frames sent, marks heard, marks wanted
        open_links = connections
        while open_links:
            for key, _ in selector.select():
                own, link = state[key.data], links[key.data]
                data = link.recv(1 << 18)
                if not data:
                    raise ConnectionError("the server closed a connection")
                own[1] += data.count(mark)
                if own[1] < own[2]:
                    continue
                if own[0] >= each:
                    selector.unregister(link)
                    open_links -= 1
                    continue
                link.sendall(chunks[key.data][own[0] // step % len(chunks[key.data])])
                own[0] += step
                own[2] += marks
    seconds = time.perf_counter() - began
    sent = sum(-(-each // step) * step for _ in links)
    for link in (*links, *silent):
        link.close()
    return {"frames": sent, "seconds": seconds}


def _flood(links: list[socket.socket], chunks: list[list[bytes]], each: int, step: int) -> None:
    for turn in range(-(-each // step)):
        for place, link in enumerate(links):
            link.sendall(chunks[place][turn % len(chunks[place])])
    for link in links:
        link.shutdown(socket.SHUT_WR)
    for link in links:
        link.recv(1)  # the server closes when it has read everything


class _Null(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Thrown away."""

    def eof_received(self) -> bool:
        self.transport.close()
        return False


async def null() -> None:
    """The limit: what the event loop can receive."""
    server = await asyncio.get_running_loop().create_server(_Null, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def naive(kind: str, path: Path) -> None:
    """Read until the end mark, check the checksum byte by byte, append the frame to a file, answer; no sync."""
    file, table = path.open("ab"), list(range(256))
    for _ in range(8):
        table = [(crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1 for crc in table]

    async def hj212(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from sensors.hj212 import encode

        while True:
            frame = await reader.readuntil(b"\r\n")
            segment, crc = frame[6:-6], 0xFFFF
            for byte in segment:
                crc = table[(crc >> 8) ^ byte]
            if crc != int(frame[-6:-2], 16):
                continue
            found = dict(pair.partition("=")[::2] for pair in segment.decode().partition(";CP=")[0].split(";"))
            file.write(frame)
            file.flush()
            head = {"QN": found["QN"], "ST": "91", "CN": "9014", "PW": found["PW"], "MN": found["MN"], "Flag": "4"}
            writer.write(encode.message(head, {}, {}))
            await writer.drain()

    async def jt808(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from sensors.jt808 import encode

        while True:
            await reader.readuntil(b"\x7e")
            frame = (await reader.readuntil(b"\x7e"))[:-1]
            body = frame.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")
            check = 0
            for byte in body:
                check ^= byte
            if check:
                continue
            file.write(b"\x7e" + frame + b"\x7e")
            file.flush()
            serial = int.from_bytes(body[10:12], "big")
            writer.write(encode.frame(0x8001, body[4:10].hex(), serial, encode.answer(serial, 0x0200, 0)))
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await (hj212 if kind == "hj212" else jt808)(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """One of the three."""
    what, kind, *rest = arguments
    if what == "send":
        port, count, connections, window, idle = (int(text) for text in rest)
        print(json.dumps(send(kind, port, count, connections, window, idle)), flush=True)
        return
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(null() if what == "null" else naive(kind, Path(rest[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
