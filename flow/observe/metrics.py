"""Metrics of the whole hub as a Prometheus text file, `<home>/metrics/cityhub.prom`, replaced whole.

node-exporter's textfile collector reads it, `cityhub serve` answers it under /metrics, `cityhub metrics` prints it.
Numbers of feeds come from their last run summaries, numbers of the warehouse from `measure`. Gateways serve their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from cityhub import clock
from cityhub.errors import HubError
from cityhub.files import read_json, write_json, write_text
from cityhub.settings import Settings
from flow.observe import lineage, runs
from flow.observe import measure as warehouse
from scoring.publication import manifest
from warehouse import lake
from warehouse.ledger import GOOD
from warehouse.status import WORDS, word

PREFIX = "cityhub_"


def path(settings: Settings) -> Path:
    """Where the text file stands."""
    return settings.home / "metrics" / "cityhub.prom"


def measure(settings: Settings) -> Path:
    """Read the warehouse anew, then write the file."""
    found = warehouse.read(settings)
    if found is not None:
        write_json(settings.home / "metrics" / "warehouse.json", found)
    return write(settings)


def write(settings: Settings) -> Path:
    """Write the file from what stands in files already: no query."""
    with lake.lock(settings, "metrics", timeout_s=10):
        write_text(path(settings), text(settings), mode=0o644)
    return path(settings)


def text(settings: Settings) -> str:
    """The metrics now, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(Hub(settings))
    return generate_latest(registry).decode()


class Hub(Collector):
    """All metrics of one installation, read from its files when asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        """The metrics as the files have them now."""
        settings = self._settings
        content = read_json(settings.home / "metrics" / "warehouse.json") or {}
        last = {name: found for name in runs.feeds(settings) if (found := runs.last(settings, name))}
        yield from _runs(last)
        yield from _feeds(content, last)
        yield from _warehouse(content)
        yield from _stages(settings)
        yield from _publication(settings)
        yield from _night(settings)
        yield from _own(settings)


def gauge(name: str, told: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], Any]]) -> Metric:
    """A gauge; values that are not known are left out, a missing value is never zero."""
    family = GaugeMetricFamily(PREFIX + name, told, labels=labels)
    for label, value in values:
        if value is not None:
            family.add_metric(label, float(value))
    return family


def seconds_of(moment: str | None) -> float | None:
    """An ISO moment as Unix time."""
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _runs(last: dict[str, Any]) -> Iterator[Metric]:
    every = {feed: item["run"] for feed, item in last.items()}
    yield gauge("feed_last_success_timestamp_seconds", "when a run of the feed last succeeded", ("feed", "platform"), [
        ((feed, str(every[feed].get("platform"))), seconds_of((item.get("last_success") or {}).get("at")))
        for feed, item in last.items()])  # fmt: skip
    yield gauge("feed_last_run_timestamp_seconds", "when the feed's last run ended", ("feed",), [
        ((feed,), seconds_of(run["finished_at"])) for feed, run in every.items()])  # fmt: skip
    yield gauge("feed_last_run_success", "1 when the feed's last run succeeded", ("feed",), [
        ((feed,), run["state"] != "failed") for feed, run in every.items()])  # fmt: skip
    yield gauge("feed_last_run_rows", "rows of the feed's last run, by outcome", ("feed", "outcome"), [
        ((feed, name), rows) for feed, run in every.items() for name, rows in (run.get("counts") or {}).items()
    ])  # fmt: skip
    yield gauge("feed_last_run_duration_seconds", "seconds of the feed's last run, by stage", ("feed", "stage"), [
        ((feed, name), took) for feed, run in every.items() for name, took in run["stages"].items()])  # fmt: skip
    for name, told in (("bytes", "bytes received"), ("calls", "calls made"), ("retries", "calls repeated")):
        yield gauge(f"feed_last_run_{name}", f"{told} in the feed's last landing", ("feed",), [
            ((feed,), (run.get("requests") or {}).get(name)) for feed, run in every.items()])  # fmt: skip


def _lines(content: dict[str, Any], last: dict[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    """Each feed's newest day with its word now; a run that ended since the warehouse was read knows better."""
    for item in content.get("feeds", []):
        run = last.get(item["feed"], {}).get("run", {})
        state, day, good = item["state"], item["service_day"], item["last_day"]
        if run.get("ledger") and str(run["finished_at"]) > str(content["at"]) and run["service_day"] >= day:
            state, day = run["ledger"]["state"], run["service_day"]
            good = day if state in GOOD else good
        due = datetime.fromisoformat(item["expected_by"]) if item["expected_by"] else None
        said = word(state, due, now)
        waits = said not in {"fresh", "expected"}
        overdue = (now - due).total_seconds() if waits and due and due < now else 0.0
        without = (date.fromisoformat(day) - date.fromisoformat(good)).days if waits and good else int(waits)
        yield {
            "feed": item["feed"],
            "word": said,
            "expected_by": item["expected_by"],
            "late_s": overdue,
            "days": without,
        }


def _feeds(content: dict[str, Any], last: dict[str, Any]) -> Iterator[Metric]:
    feeds = list(_lines(content, last, clock.now()))
    yield gauge("feed_state", "1 for the state of the feed's newest day, 0 for the others", ("feed", "state"), [
        ((item["feed"], name), item["word"] == name) for item in feeds for name in WORDS])  # fmt: skip
    yield gauge("feed_expected_timestamp_seconds", "until when the feed's newest day is due", ("feed",), [
        ((item["feed"],), seconds_of(item["expected_by"])) for item in feeds])  # fmt: skip
    yield gauge("feed_lateness_seconds", "by how much the feed's newest day is overdue", ("feed",), [
        ((item["feed"],), item["late_s"]) for item in feeds])  # fmt: skip
    yield gauge("feed_days_without_data", "service days since the feed's last good one", ("feed",), [
        ((item["feed"],), item["days"]) for item in feeds])  # fmt: skip
    rows = CounterMetricFamily(PREFIX + "rows", "rows of all loads, by outcome", labels=("feed", "outcome"))
    for feed, counts in content.get("rows", {}).items():
        for name, number in counts.items():
            if number is not None:
                rows.add_metric((feed, name), float(number))
    yield rows
    known = {item["feed"]: 0 for item in feeds} | content.get("quarantine", {})
    yield gauge("quarantine_open_rows", "refused rows that wait for somebody", ("feed",), [
        ((feed,), number) for feed, number in sorted(known.items())])  # fmt: skip


def _warehouse(content: dict[str, Any]) -> Iterator[Metric]:
    yield gauge("findings_open", "findings that are open", ("feed", "origin", "severity"), [
        ((feed, origin, severity), number) for feed, origin, severity, number in content.get("findings", [])
    ])  # fmt: skip
    yield gauge("issues_open", "issues that are open", ("department", "kind"), [
        ((department, kind), number) for department, kind, number in content.get("issues", [])])  # fmt: skip
    yield gauge("checks_failed", "table checks that failed on the last day checked", ("severity",), [
        ((severity,), number) for severity, number, _ in content.get("checks", [])])  # fmt: skip
    yield gauge("checks", "table checks of the last day checked", ("severity",), [
        ((severity,), number) for severity, _, number in content.get("checks", [])])  # fmt: skip
    lakes = content.get("lake", {})
    for name, told in (
        ("size_bytes", "bytes of the warehouse's files"),
        ("files", "data files of the warehouse"),
        ("tables", "tables of the warehouse"),
        ("snapshots", "snapshots that can still be read"),
    ):
        yield gauge(f"lake_{name}", told, (), [((), lakes.get(name.replace("size_", "")))])
    yield gauge("measured_timestamp_seconds", "when the warehouse was last read for these numbers", (), [
        ((), seconds_of(content.get("at")))])  # fmt: skip


def _stages(settings: Settings) -> Iterator[Metric]:
    newest = next(iter(runs.days(settings, runs.STAGES)), None)
    folder = runs.root(settings) / runs.STAGES / str(newest)
    found = [item for file in sorted(folder.glob("*.json")) if (item := read_json(file))]
    yield gauge("stage_last_run_duration_seconds", "seconds of a stage's last run", ("stage",), [
        ((item["stage"],), item["seconds"]) for item in found])  # fmt: skip
    yield gauge("stage_last_run_timestamp_seconds", "when a stage last ended", ("stage",), [
        ((item["stage"],), seconds_of(item["finished_at"])) for item in found])  # fmt: skip
    yield gauge("stage_last_run_success", "1 when the stage's last run succeeded", ("stage",), [
        ((item["stage"],), item["state"] == "success") for item in found])  # fmt: skip


def _publication(settings: Settings) -> Iterator[Metric]:
    try:
        number = manifest.current(settings.publications)
        made = manifest.read(manifest.folder_of(settings.publications, number)) if number is not None else None
    except HubError:
        number = made = None
    at = seconds_of(made.published_at) if made else None
    yield gauge("publication_number", "number of the publication that is shown", (), [((), number)])
    yield gauge("publication_timestamp_seconds", "when it was made", (), [((), at)])
    age = None if at is None else max(0.0, clock.now().timestamp() - at)
    yield gauge("publication_age_seconds", "its age when this was written", (), [((), age)])


def _night(settings: Settings) -> Iterator[Metric]:
    beat = read_json(settings.home / "heartbeat.json") or {}
    yield gauge("deadman_timestamp_seconds", "when a night was last finished and published", (), [
        ((), seconds_of(beat.get("published_at")))])  # fmt: skip
    yield gauge("night_last_finished_timestamp_seconds", "when a night last ended, well or not", (), [
        ((), seconds_of(beat.get("finished_at")))])  # fmt: skip
    yield gauge("night_last_duration_seconds", "seconds of the last night", (), [((), beat.get("seconds"))])
    yield gauge("night_last_failed_dags", "DAGs of the last night that did not succeed", (), [
        ((), beat.get("failed"))])  # fmt: skip


def _own(settings: Settings) -> Iterator[Metric]:
    counted = lineage.counted(settings)
    lost = CounterMetricFamily(PREFIX + "lineage_events_lost", "lineage events not taken", labels=("reason",))
    for reason in ("failed", "dropped"):
        lost.add_metric((reason,), float(counted[reason]))
    yield lost
    outbox = settings.home / "alerts" / "outbox"
    waiting = (
        [(item.name, len(list(item.glob("*.json")))) for item in sorted(outbox.iterdir())] if outbox.is_dir() else []
    )
    yield gauge("alerts_waiting", "messages that wait for delivery", ("channel",), [
        ((channel,), number) for channel, number in waiting])  # fmt: skip
    free = shutil.disk_usage(settings.home).free if settings.home.is_dir() else None
    yield gauge("disk_free_bytes", "bytes free where the hub writes", (), [((), free)])
    yield gauge("metrics_written_timestamp_seconds", "when this was written", (), [((), clock.now().timestamp())])
    info = InfoMetricFamily(PREFIX + "build", "version of the hub")
    info.add_metric((), {"version": manifest.code_version()})
    yield info


def as_rows(text_: str) -> list[dict[str, Any]]:
    """The samples of a metrics text, for `--json`."""
    from prometheus_client.parser import text_string_to_metric_families

    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in text_string_to_metric_families(text_)
        for sample in family.samples
    ]


__all__ = ["as_rows", "measure", "path", "text", "write"]
