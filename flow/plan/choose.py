"""Which days a plan takes when nobody says: those with refused rows, or the last that landed."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.spec.read import one, parse_spec
from warehouse import lake
from warehouse.landing import deliveries

_REFUSED = """
SELECT DISTINCT service_day FROM quarantine WHERE feed = $feed AND state = 'open' ORDER BY service_day
"""


def quarantined_days(settings: Settings, feed: str) -> list[date]:
    """Service days of a feed with open rows in quarantine whose bytes are in landing; raises `Usage` CH-PLAN-009."""
    one(settings.feeds, feed)
    with closing(lake.connect(settings, read_only=True)) as con:
        found = [row[0] for row in con.execute(_REFUSED, {"feed": feed}).fetchall()]
    days = [day for day in found if deliveries(settings.landing / feed / day.isoformat())]
    if not days:
        raise Usage("CH-PLAN-009", feed=feed)
    return days


def landed_days(settings: Settings, file: Path, number: int) -> list[date]:
    """The newest service days of a spec file's feed that landed, oldest first; raises `Usage` CH-PLAN-009."""
    feed = parse_spec(file).feed
    root = settings.landing / feed
    names = sorted(item.name for item in root.iterdir() if deliveries(item)) if root.is_dir() else []
    if not names:
        raise Usage("CH-PLAN-009", feed=feed)
    return [date.fromisoformat(name) for name in names[-number:]]
