"""`feed preview`: at most fifty rows as the source sends them, what the spec makes of them, and why one is refused.

Bytes go to a temporary folder that is gone afterwards; landing, spool and warehouse are not touched, so that it works
for a draft, and before there is a warehouse.
"""

from __future__ import annotations

import secrets as random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from cityhub.clock import yesterday
from cityhub.errors import HubError, Stop
from cityhub.secrets import lent
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED, MqttSource
from connectors.pull import CONNECTORS
from connectors.retry import Policy
from flow.register.advice import advice
from warehouse.landing import Manifest, deliveries
from warehouse.personal import edge, scan
from warehouse.personal.key import NAME
from warehouse.trial import Trial, tried

LISTEN_S = 5.0
POLICY = Policy(deadline_s=60)


@dataclass(frozen=True)
class Preview:
    """`where` says what was asked; `findings` are the connector's and columns that seem to hold personal data, `advice`
    what to change in the spec."""

    feed: str
    day: date
    where: str
    trial: Trial
    findings: tuple[str, ...]
    advice: tuple[HubError, ...]


def preview(
    settings: Settings, spec: FeedSpec, day: date | None = None, *, rows: int = 50, listen_s: float = LISTEN_S
) -> Preview:
    """Fetch and judge. Raises what the transport raises, `Stop` CH-PULL-060 when there is no row at all."""
    day = day or yesterday()
    with TemporaryDirectory(prefix="cityhub-preview-") as folder, lent(NAME, random.token_hex(32)):
        try:
            manifest = _fetched(settings, spec, day, Path(folder), rows, listen_s)
            trial = tried(spec, manifest, limit=rows)
            unmarked = [
                f"{item.detail} ({item.observed}): give it `personal: hash`, `mask` or `drop`"
                for item in scan.as_findings(settings, spec, scan.landed(spec, manifest))
            ]
        except HubError as error:
            guard = edge.of(spec)
            raise (guard.quieted(error) if guard else error) from None
        where = manifest.parts[0].request if manifest.parts else "nothing"
    if not trial.rows and not trial.bad_lines:
        raise Stop("CH-PULL-060", feed=spec.feed, day=day.isoformat())
    return Preview(spec.feed, day, where, trial, (*manifest.findings, *unmarked), tuple(advice(spec, trial)))


def _fetched(settings: Settings, spec: FeedSpec, day: date, folder: Path, rows: int, listen_s: float) -> Manifest:
    if spec.source.kind in PUSHED:
        return _pushed(settings, spec, day, folder, rows, listen_s)
    kind = spec.source.kind
    module = import_module(CONNECTORS[kind])
    with edge.trial(folder / "landing", spec, day) as delivery:
        takes: dict[str, Callable[[], None]] = {
            "rest": lambda: module.first_page(spec, day, delivery, rows, POLICY),
            "database": lambda: module.pull(spec, day, delivery, policy=POLICY, limit=rows),
            "files": lambda: module.pull(spec, day, delivery, policy=POLICY, most=1),
        }
        if kind in takes:
            takes[kind]()
        else:
            module.pull(spec, day, delivery, policy=POLICY)
    assert delivery.manifest is not None  # set by leaving the delivery
    return delivery.manifest


def _pushed(settings: Settings, spec: FeedSpec, day: date, folder: Path, rows: int, listen_s: float) -> Manifest:
    """What comes now, else what waits in the spool, else what landed last."""
    from sensors.segments import collect

    spool = folder / "spool" / spec.feed
    spool.mkdir(parents=True)
    if isinstance(spec.source, MqttSource):
        _heard(spec, spool, rows, listen_s)
    if not any(spool.iterdir()):
        _copied(settings.spool / spec.feed, spool)
    manifest = collect(replace(settings, home=folder), spec, day)
    if manifest is not None:
        return manifest
    landed = [item for place in (settings.landing / spec.feed).glob("*") for item in deliveries(place)]
    if not landed:
        raise Stop("CH-REG-053", feed=spec.feed, kind=spec.source.kind)
    return max(landed, key=lambda item: item.load_id)


def _heard(spec: FeedSpec, spool: Path, rows: int, seconds: float) -> None:
    from sensors.broker import brokers
    from sensors.visit import Visit

    with Visit(brokers([spec])[0]) as visit:
        visit.login()
        visit.subscribe()
        if visit.hear(rows, seconds):
            (spool / "00000000000000000001-heard.ndjson").write_bytes(b"".join(visit.lines))


def _copied(source: Path, spool: Path) -> None:
    """The segments of the gateway, open ones up to their last whole line."""
    from sensors.segment import closed, living
    from sensors.segments import MEMORY

    for path in [*closed(source), *living(source)]:
        body = path.read_bytes()
        (spool / path.name).with_suffix(".ndjson").write_bytes(body[: body.rfind(b"\n") + 1])
    if (source / MEMORY).is_file():
        shutil.copy(source / MEMORY, spool / MEMORY)
