"""What files cost at the least: an HTTP server of a few lines that lets the kernel send them.

`python -m bench.bare_files FOLDER` prints its port. It knows no keys, ranges and conditions: the limit, not a peer.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve until the process is ended."""
    folder, listener = Path(sys.argv[1]), socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, folder), daemon=True).start()


def serve(connection: socket.socket, folder: Path) -> None:
    """One request after the other on one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as lines:
        while line := lines.readline():
            while lines.readline().strip():
                pass
            with (folder / Path(line.split()[1].decode()).name).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
                sent = 0
                while sent < size:
                    sent += os.sendfile(connection.fileno(), file.fileno(), sent, size - sent)


if __name__ == "__main__":
    main()
