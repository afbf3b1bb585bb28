"""A real scheduler runs the same night unattended: unpaused DAGs, their own clock, assets by service day."""

import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cityhub.clock import SHANGHAI
from cityhub.settings import Settings
from flow import steps
from flow.airflow_env import environment
from sensors.gateway import status_file
from tests.night.hub import REPOSITORY, Hub
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("scheduler")]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def last_tick_day() -> str:
    """The service day of the newest 01:15 that lies behind us."""
    now = datetime.now(SHANGHAI)
    return (now - timedelta(hours=1, minutes=15)).date().__sub__(timedelta(days=1)).isoformat()


def at_one_clock(folder: Path) -> None:
    """The shipped feeds, all due at 01:15: the test must not depend on the hour in which it runs."""
    shutil.copytree(REPOSITORY / "feeds", folder)
    for path in folder.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'schedule: "[^"]*"', 'schedule: "15 1 * * *"', text), encoding="utf-8")


@pytest.fixture
def running():
    started = []
    yield started.append
    for process in reversed(started):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=90)


def test_no_dag_fails_to_import(tmp_path):
    env = Hub(tmp_path).env()
    env |= environment(Settings(tmp_path, REPOSITORY / "feeds", "", ""))
    subprocess.run([sys.executable, "-m", "flow.airflow_metadata"], cwd=REPOSITORY, env=env, check=True)
    listed = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "list-import-errors", "--output", "json", "--local"],
        cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.stdout.strip().splitlines()[-1] in {"[]", "No data found"}, listed.stdout + listed.stderr


def test_dag_files_fit_on_a_screen():
    for path in (REPOSITORY / "dags").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60, path.name


def test_the_scheduler_runs_the_night(tmp_path, running):
    hub, day = Hub(tmp_path), last_tick_day()
    at_one_clock(tmp_path / "feeds")
    city = tmp_path / "sandbox"
    sandbox = hub.start("sandbox", "run", "--day", day, "--home", str(city), "--scale", "0.05")
    running(sandbox)
    wait_for((city / "ready.json").exists, 120)
    ready = json.loads((city / "ready.json").read_text())
    env = {
        "CITYHUB_SECRETS": str(city / "secrets"),
        "CITYHUB_RETRY_DELAY_S": "1",
        "CITYHUB_FEEDS": str(tmp_path / "feeds"),
        # Between midnight and a quarter past one the batches of every minute are of another day than the night's.
        "CITYHUB_PUSHED_SCHEDULE": "0 0 1 1 *",
    }
    gateway = hub.start("gateway", "run", "mqtt", **env)
    running(gateway)
    wait_for(lambda: _subscribed(hub.home), 60)
    urllib.request.urlopen(urllib.request.Request(f"{ready['control']}/publish", method="POST"), timeout=120).close()
    scheduler = hub.start("scheduler", "--port", str(free_port()), "--no-paused", **env)
    running(scheduler)

    def published() -> bool:
        current = hub.home / "publications" / "current" / "manifest.json"
        return current.exists()

    wait_for(published, 900)
    states = hub.rows(f"SELECT feed, state FROM delivery WHERE service_day = '{day}'")
    # a twentieth of the demo is less than some feeds demand: those days are loaded and held
    assert {state for _, state in states} <= {"checked", "published", "empty_confirmed", "held"}, states
    assert len(states) == len(steps.active(Settings(tmp_path, tmp_path / "feeds", "", "")))
    assert hub.rows("SELECT count(*) FROM ranking WHERE score IS NOT NULL")[0][0] >= 4
    clocked, follower = "water.meter", "gas.pressure"
    for feed in (clocked, follower):
        wait_for(lambda: _busy(hub.home, day) == 0, 600)
        before = _succeeded(hub.home, "publication", day)
        done = hub.run("backfill", feed, "--from", day, "--to", day, **env)
        assert done.returncode == 0, done.stderr
        wait_for(lambda before=before: _succeeded(hub.home, "publication", day) > before, 600)


def test_a_run_over_its_deadline_is_told(tmp_path, running):
    hub, feeds = Hub(tmp_path / "home"), tmp_path / "feeds"
    feeds.mkdir()
    shutil.copy(REPOSITORY / "feeds" / "water.meter.yaml", feeds)
    env = {"CITYHUB_FEEDS": str(feeds), "CITYHUB_DEADLINE_MINUTES": "0.001"}
    running(hub.start("scheduler", "--port", str(free_port()), "--no-paused", **env))
    told = hub.home / "alerts.ndjson"
    wait_for(told.exists, 300)
    wait_for(lambda: told.read_text(encoding="utf-8").endswith("\n"), 10)
    alert = json.loads(told.read_text(encoding="utf-8").splitlines()[0])
    assert (alert["alert"], alert["name"]) == ("deadline_missed", "water.meter")


def _runs(home: Path, where: str, *values: str) -> int:
    database = f"file:{home / 'airflow' / 'airflow.db'}?mode=ro"
    with closing(sqlite3.connect(database, uri=True, timeout=60)) as con:
        return int(con.execute(f"SELECT count(*) FROM dag_run WHERE {where}", values).fetchone()[0])


def _succeeded(home: Path, dag: str, day: str) -> int:
    return _runs(home, "dag_id = ? AND partition_key = ? AND state = 'success'", dag, day)


def _busy(home: Path, day: str) -> int:
    return _runs(home, "partition_key = ? AND state IN ('queued', 'running')", day)


def _subscribed(home: Path) -> bool:
    status = status_file(Settings(home, REPOSITORY / "feeds", "", ""))
    return status.exists() and '"subscribed": true' in status.read_text()
