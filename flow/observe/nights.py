"""One summary a night, `<home>/runs/_night/<service day>/<run id>.json`, its heartbeat, and what else its end brings.

A night in this process begins and ends here. Under a scheduler no process is the night: the publication of the day ends
it, and its summary is made from the feeds' runs and the stages' records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from cityhub import clock
from cityhub.errors import HubError
from cityhub.files import read_json
from cityhub.settings import Settings
from extracts import traces
from flow.observe import heartbeat, lineage, metrics, report, runs
from flow.observe.diff import COUNTS
from flow.observe.quietly import quietly
from scoring.publication import manifest

Summary = dict[str, Any]
UPWARD = "upward"  # the DAG of what comes after the publication
PARTS = ("push", "prune")  # its stages


def begin(settings: Settings, day: date) -> str:
    """Note that a night begins; its name, which the workers get as `CITYHUB_NIGHT`."""
    night: Summary = {}
    with quietly("night summary"):
        night |= runs.begin(settings, runs.NIGHT, day, kind="in process")
    name = f"{day} {night.get('run_id') or clock.now().isoformat()}"
    with quietly("lineage"):
        lineage.emit(settings, "START", lineage.night_of(day, name))
    return name


def end(
    settings: Settings, day: date, name: str | None = None, *,
    dags: Iterable[dict[str, Any]] | None = None, phases: dict[str, float] | None = None,
) -> Summary:  # fmt: skip
    """Write the night's summary with its diff, the heartbeat and the metrics; send what is to be told. `name`: of the
    night that `begin` began, None under a scheduler; `dags`: what each DAG came to, where a process ran them."""
    night: Summary = {}
    with quietly("night summary"):
        open_ = runs.newest(settings, runs.NIGHT, day)
        mine = open_ is not None and name is not None and name.endswith(f" {open_['run_id']}")
        night = open_ if mine and open_ else runs.begin(settings, runs.NIGHT, day, kind="scheduled")
        _fill(settings, night, day, list(dags or []), phases or {})
        before = runs.last(settings, runs.NIGHT)
        night["diff"] = _diff(night, before["run"] if before else None)
        with quietly("traces of consumers"):
            night["traces"] = asdict(traces.remove(settings))
        runs.finish(settings, night, success=night["state"] == "finished")
    with quietly("monthly report"):
        if clock.month_of(day) != clock.month_of(day + timedelta(days=1)):
            report.write(settings, clock.month_of(day))
    with quietly("heartbeat"):
        heartbeat.beat(settings, night)
    with quietly("alerts"):
        from flow.notify import night as notify

        night["told"] = notify.end_of_night(settings, day)
    with quietly("metrics"):
        metrics.measure(settings)
    with quietly("lineage"):
        failed = night.get("state") != "finished"
        error = {"code": "CH-RUN-007", "what": f"not successful: {', '.join(night.get('failed') or ['?'])}"}
        lineage.emit(
            settings, "FAIL" if failed else "COMPLETE", lineage.night_of(day, name), error=error if failed else None
        )
    return night


def after(settings: Settings, day: date) -> None:
    """Write into the summary of the day's night what came after its publication."""
    with quietly("night summary"):
        night = runs.newest(settings, runs.NIGHT, day)
        if night is None or night["finished_at"] is None:
            return
        stages = _stages(settings, night)
        night[UPWARD] = _upward(stages)
        rest = [name for name in night["failed"] if name != UPWARD]
        night["failed"] = rest + [name for name in _failed(stages) if name == UPWARD]
        night["state"] = "finished with failures" if night["failed"] else "finished"
        runs.amend(settings, night)


def _stages(settings: Settings, night: Summary) -> list[Summary]:
    """The records of the night's stages; what came after the publication of an earlier night is not this one's."""
    folder = runs.root(settings) / runs.STAGES / str(night["service_day"])
    found = [item for file in sorted(folder.glob("*.json")) if (item := read_json(file))]
    return [item for item in found if item["stage"] not in PARTS or item["started_at"] >= night["started_at"]]


def _failed(stages: list[Summary]) -> list[str]:
    """The DAGs of stages that failed, each once."""
    names = [UPWARD if item["stage"] in PARTS else item["stage"] for item in stages if item["state"] == "failed"]
    return list(dict.fromkeys(names))


def _upward(stages: list[Summary]) -> Summary:
    """What push and prune said of themselves; empty where nobody asked for them."""
    return {
        item["stage"]: item["result"] | {"error": (item["error"] or {}).get("code")}
        for item in stages
        if item["stage"] in PARTS
    }


def _fill(settings: Settings, night: Summary, day: date, dags: list[dict[str, Any]], phases: dict[str, float]) -> None:
    feeds = [run for name in runs.feeds(settings) if (run := runs.newest(settings, name, day))]
    stages = _stages(settings, night)
    bad = [record["dag"] for record in dags if record["state"] != "success"]
    if not dags:
        bad = [f"feed.{run['feed']}" for run in feeds if run["state"] == "failed"]
        bad += _failed(stages)
    published = next((item for item in stages if item["stage"] == "publication"), None)
    night |= {
        "state": "finished" if not bad else "finished with failures",
        "finished_at": clock.now().isoformat(),
        "seconds": round((clock.now() - datetime.fromisoformat(night["started_at"])).total_seconds(), 1),
        "phases": phases,
        "failed": bad,
        "published": bool(published and published["state"] == "success" and "publication" not in bad),
        "publication": (published or {}).get("result", {}).get("publication"),
        "stages": {item["stage"]: item["seconds"] for item in stages},
        UPWARD: _upward(stages),
        "issues": next((item["result"]["issues"] for item in stages if "issues" in item.get("result", {})), None),
        "feeds": {
            run["feed"]: {
                "run_id": run["run_id"], "state": run["state"], "seconds": run["seconds"],
                "error": (run.get("error") or {}).get("code"), **(run.get("counts") or {}),
            }
            for run in feeds
        },
        "totals": {name: sum((run.get("counts") or {}).get(name, 0) for run in feeds) for name in COUNTS},
        "findings": sorted({f"{run['feed']} {text}" for run in feeds for text in run.get("findings", [])}),
        "quarantine": _added([run.get("quarantine") or {} for run in feeds]),
    }  # fmt: skip
    with_number = night["publication"]
    if with_number is not None:
        try:
            made = manifest.read(manifest.folder_of(settings.publications, int(with_number)))
            night["publication_status"] = made.status
        except HubError:
            night["publication_status"] = None


def _added(every: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in every:
        for reason, rows in counts.items():
            total[reason] = total.get(reason, 0) + rows
    return total


def _diff(night: Summary, before: Summary | None) -> Summary | None:
    if before is None:
        return None
    failed, failed_before = set(night["failed"]), set(before.get("failed") or ())
    return {
        "against": {"run_id": before["run_id"], "service_day": before["service_day"]},
        "rows": {name: night["totals"][name] - before["totals"][name] for name in COUNTS if name in before["totals"]},
        "seconds": round(night["seconds"] - before["seconds"], 1),
        "failed_new": sorted(failed - failed_before),
        "failed_gone": sorted(failed_before - failed),
        "feeds_new": sorted(set(night["feeds"]) - set(before["feeds"])),
        "feeds_gone": sorted(set(before["feeds"]) - set(night["feeds"])),
        "findings_new": sorted(set(night["findings"]) - set(before["findings"])),
        "findings_gone": sorted(set(before["findings"]) - set(night["findings"])),
        "reasons_new": sorted(set(night["quarantine"]) - set(before["quarantine"])),
        "reasons_gone": sorted(set(before["quarantine"]) - set(night["quarantine"])),
    }


def why(settings: Settings, day: date, dag: str) -> str:
    """What a DAG that did not succeed said of it, as the end of a line; empty where its step never began."""
    feed = dag.removeprefix("feed.")
    if feed != dag:
        found = [runs.newest(settings, feed, day)]
    else:
        found = [runs.stage(settings, day, name) for name in (PARTS if dag == UPWARD else (dag,))]
    return "".join(_said(run["error"]) for run in found if run and run.get("error"))


def _said(error: dict[str, Any]) -> str:
    return f"\n  {error.get('code') or 'error'}: {error.get('what')}" + "".join(
        f"\n  {name}: {error[name]}" for name in ("why", "fix") if error.get(name)
    )


def hint(night: Summary) -> str:
    """One line for who looks at the terminal."""
    issues = night.get("issues") or {}
    feeds = [name.removeprefix("feed.") for name in night.get("failed") or () if name.startswith("feed.")]
    parts = [f"runs: cityhub runs {f'show {feeds[0]}' if feeds else 'list'}"]
    if issues.get("open"):
        parts.append(f"{issues['open']} issues open (cityhub issues)")
    told = night.get("told") or {}
    if told.get("sent") or told.get("waiting"):
        parts.append(f"{told['sent']} messages sent, {told['waiting']} waiting (cityhub alerts list)")
    for target, item in (night.get(UPWARD) or {}).get("push", {}).get("targets", {}).items():
        rest = {"wait": item["waiting"], "without a word upward": item["unmapped"], "dead letters": item["dead"]}
        told = "".join(f", {number} {word}" for word, number in rest.items() if number)
        look = f" (cityhub extract outbox list {target})" if told else ""
        parts.append(f"push {target}: {item['records']} records sent{told}{look}")
    return "; ".join(parts)


__all__ = ["begin", "end", "hint", "why"]
