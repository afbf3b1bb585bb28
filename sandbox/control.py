"""The sandbox's own door, for whoever runs a night or a backfill against it.

`POST /publish?day=2026-11-20` sends that day's MQTT messages and tells how many nobody heard;
`POST /day?day=2026-11-19` puts an earlier day into the exchange database and the drop folder (REST answers
for any day without being told).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit


class _Handler(BaseHTTPRequestHandler):
    actions: ClassVar[dict[str, Callable[[date], object]]]
    own_day: ClassVar[date]

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def do_POST(self) -> None:
        """Do what the path names; 404 for another path, 400 for a wrong day."""
        parts = urlsplit(self.path)
        action = self.actions.get(parts.path)
        if action is None:
            self._answer(404, {"error": f"there is {', '.join(self.actions)}"})
            return
        try:
            day = date.fromisoformat(parse_qs(parts.query).get("day", [self.own_day.isoformat()])[0])
        except ValueError:
            self._answer(400, {"error": "day: write 2026-11-20"})
            return
        self._answer(200, action(day))

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Control:
    """The control server on a free port of 127.0.0.1."""

    def __init__(
        self, own_day: date, publish: Callable[[date], dict[str, int]], ensure_day: Callable[[date], None]
    ) -> None:
        def made(day: date) -> dict[str, str]:
            ensure_day(day)
            return {"day": day.isoformat()}

        actions = {"/publish": publish, "/day": made}
        handler = type("ControlHandler", (_Handler,), {"actions": actions, "own_day": own_day})
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
