"""Faults of frames: played by the emitters over real sockets against the gateway process that compose runs."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from pathlib import Path

from cityhub.settings import Settings
from flow import pushed, steps
from flow.order import parent_feed
from sandbox.emitters.content import Order
from sandbox.emitters.faults import parse
from sandbox.emitters.run import Emission, emit
from tests.faults.hub import Outcome, spec_of
from tests.night.hub import REPOSITORY
from tests.sensors.tcp.process import Process
from tests.servers.mosquitto import free_port
from warehouse import lake

COUNT, DEVICES, SHARE = 200, 4, 0.1
FEEDS = {"hj212": "dust.reading", "jt808": "muck.terminal_position"}
ADDRESS = {"hj212": "${dust_hj212}", "jt808": "${muck_jt808}"}
TELLS = {"hj212": {"crc_variant": "hj212", "length_valid": "true"}, "jt808": {"flags": ""}}  # column → its usual value
DEVICE = {"hj212": "mn", "jt808": "terminal_phone"}


def play(home: Path, protocol: str, fault: str) -> Outcome:
    """So many messages with a fault in some: what was answered and not loaded is lost."""
    feed = FEEDS[protocol]
    settings = Settings(home, home / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))
    settings.feeds.mkdir(parents=True)
    port, truth = free_port(), home / "truth"
    text = (REPOSITORY / "feeds" / f"{feed}.yaml").read_text(encoding="utf-8")
    assert ADDRESS[protocol] in text
    text = text.replace(ADDRESS[protocol], f"127.0.0.1:{port}").replace("\nactive: false\n", "\nactive: true\n")
    (settings.feeds / f"{feed}.yaml").write_text(text, encoding="utf-8")
    specs = {path.stem: spec_of(path.stem) for path in sorted((REPOSITORY / "feeds").glob("*.yaml"))}
    parent = parent_feed(specs[feed], specs)
    if parent is not None:
        shutil.copy(REPOSITORY / "feeds" / f"{parent}.yaml", settings.feeds)
    gateway = Process(settings, protocol)
    gateway.start()
    try:
        order = Order(protocol, DEVICES, 3, faults=parse(protocol, 3, [f"{fault}@{SHARE}"]))
        told = emit(order, Emission("127.0.0.1", port, 0, COUNT, patience_s=60, truth=truth))
    finally:
        assert gateway.end(signal.SIGTERM) == 0
    pushed.take(settings)
    steps._connection.cache_clear()
    steps.opened.cache_clear()
    found = Outcome(f"{protocol} {fault}", struck=int(told["faults"].get(fault, 0)))
    found.signals["unanswered"] = told["unanswered"]
    sent = {
        (item["ident"], item["time"]) for item in map(json.loads, truth.read_text().splitlines()) if item["answered"]
    }
    spec = spec_of(feed)
    with lake.connect(settings, read_only=True) as con:
        found.signals.update(
            {
                f"quarantine:{reason}": count
                for reason, count in con.execute("SELECT reason, count(*) FROM quarantine GROUP BY 1").fetchall()
            }
        )
        balance = "SELECT bool_and(landed = loaded + duplicate + quarantined), sum(duplicate) FROM load_log"
        ((adds_up, duplicates),) = con.execute(balance).fetchall()
        found.adds_up, found.signals["count:duplicate"] = bool(adds_up), int(duplicates or 0)
        for column in TELLS[protocol]:
            told_by = f"SELECT CAST({column} AS VARCHAR), count(*) FROM {spec.table} GROUP BY 1"
            usual = TELLS[protocol][column]
            said = con.execute(told_by).fetchall()
            found.signals.update({f"column:{column}={value}": n for value, n in said if value not in (usual, None)})
        stored = con.execute(f"SELECT count(DISTINCT ({DEVICE[protocol]}, ts)) FROM {spec.table}").fetchall()[0][0]
    found.signals = +Counter(found.signals)
    found.lost, found.same = len(sent) - stored, len(sent) == stored and not found.signals
    return found
