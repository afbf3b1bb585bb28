"""The sandbox's own door for whoever runs the demo: `POST /publish` sends the day's MQTT messages."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from sandbox.world import World


class _Handler(BaseHTTPRequestHandler):
    world: ClassVar[World]
    home: ClassVar[Path]

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def do_POST(self) -> None:
        """`/publish` → `{"published": n}`: messages that the broker acknowledged."""
        if self.path != "/publish":
            self.send_error(404)
            return
        count = 0
        if find_spec("sandbox.publisher"):
            count = int(import_module("sandbox.publisher").publish(self.world))
        body = json.dumps({"published": count}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Control:
    """The control server on a free port of 127.0.0.1."""

    def __init__(self, world: World, home: Path) -> None:
        handler = type("ControlHandler", (_Handler,), {"world": world, "home": home})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
