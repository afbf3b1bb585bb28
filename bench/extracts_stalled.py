"""Readers that ask for large pages and never read them: what the service holds for them, and what others notice."""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from bench.service import Running
from serving.config import Service

PATIENCE_S = 30.0  # beyond the time after which the service lets such readers go


def stalled(running: Running, dataset: str, readers: int, rounds: int) -> dict[str, Any]:
    """`readers` connections that ask for 10,000 rows each and read nothing, `rounds` times; megabytes of the process.

    `before`: when idle, once it has made such pages; for each round `most`: the highest that the kernel saw,
    `held`: the highest while the readers hold on, `after`: when all are let go, `waiting`: bytes that the service says
    it keeps for slow readers, at most. `others`: answers to a reader who reads, meanwhile, by status: with another
    key, and with the one of the readers that read nothing.
    """
    for _ in range(4):
        _page(running, dataset, running.key)
    found: dict[str, Any] = {"readers": readers, "budget_mb": Service().outstanding_of_key >> 20}
    found["before"] = memory(running.number)
    found["rounds"] = [_round(running, dataset, readers) for _ in range(rounds)]
    return found


def _round(running: Running, dataset: str, readers: int) -> dict[str, Any]:
    Path(f"/proc/{running.number}/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    held, waiting, others, took = 0, 0, {"other key": Counter[str](), "same key": Counter[str]()}, list[float]()
    target = f"/v1/datasets/{dataset}/records?limit=10000"
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(readers):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", running.port))
            reader.sendall(request)
        began, end = time.monotonic(), time.monotonic() + Service().stalled_s + PATIENCE_S
        gone = None
        while time.monotonic() < end and gone is None:
            held = max(held, memory(running.number))
            said = _metrics(running)
            waiting = max(waiting, said["waiting_bytes"])
            once = time.perf_counter()
            others["other key"][_page(running, dataset, running.other)] += 1
            took.append(time.perf_counter() - once)
            others["same key"][_page(running, dataset, running.key)] += 1
            if said["waiting_bytes"] == 0 and time.monotonic() - began > Service().stalled_s / 2:
                gone = round(time.monotonic() - began, 1)
            time.sleep(0.5)
    time.sleep(2)
    return {
        "most": memory(running.number, "VmHWM"), "held": held, "waiting_mb": waiting >> 20, "gone_after_s": gone,
        "others": others, "other_key_p50_s": round(statistics.median(took), 2), "after": memory(running.number),
    }  # fmt: skip


def _page(running: Running, dataset: str, key: str) -> str:
    """A page for somebody who reads; the status."""
    url = f"{running.base}/v1/datasets/{dataset}/records?limit=10000"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)


def _metrics(running: Running) -> dict[str, int]:
    with urllib.request.urlopen(f"{running.base}/v1/metrics", timeout=120) as answer:
        text = answer.read().decode()
    names = ("waiting_bytes", "connections")
    return {name: int(float(re.findall(rf"^cityhub_http_{name} (\S+)$", text, re.M)[0])) for name in names}


def memory(number: int, what: str = "VmRSS") -> int:
    """Megabytes that a process holds; `VmHWM`: that it ever held."""
    text = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{what}:"))) // 1024
