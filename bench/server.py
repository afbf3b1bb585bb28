"""A source that never is the bottleneck: pages rendered beforehand, written to the socket as they are.

`python -m bench.server ROWS SIZE` prints its port and serves `/positions?pageNo=N` with the envelope
`{"code":0,"page":N,"data":[…]}`; behind the last page the array is empty.
"""

from __future__ import annotations

import asyncio
import re
import sys

from bench.records import page

_PAGE = re.compile(rb"[?&]pageNo=(\d+)")


def answer(number: int, records: bytes) -> bytes:
    """One whole HTTP answer."""
    body = b'{"code":0,"page":%d,"data":%b}' % (number, records)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


class Source(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, answers: dict[int, bytes]) -> None:
        self.answers, self.rest = answers, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *requests, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for request in requests:
            found = _PAGE.search(request.split(b"\r\n", 1)[0])
            number = int(found.group(1)) if found else 1
            self.transport.write(self.answers.get(number) or answer(number, b"[]"))


async def serve(rows: int, size: int) -> None:
    """Serve until killed."""
    answers = {number: answer(number, page(number, size)) for number in range(1, rows // size + 1)}
    server = await asyncio.get_running_loop().create_server(lambda: Source(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
