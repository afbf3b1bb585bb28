"""A moment as a column stores it, and a column's value as a moment: timestamps, dates, ISO text, epochs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from cityhub.spec.feed import FeedSpec

Value = datetime | date | str | int
_COMPACT = "%Y%m%d%H%M%S"


@dataclass(frozen=True)
class Stored:
    """How a column stores moments: its type in the database and what the spec says of the field."""

    type: sa.types.TypeEngine[object]
    format: str
    zone: ZoneInfo
    typed: bool
    is_time: bool

    def value(self, moment: datetime) -> Value:
        """The moment as a value to compare the column with.

        ISO text at midnight becomes the bare date, which sorts before every time of that day whatever
        stands between date and time.
        """
        local = moment.astimezone(self.zone)
        if self.format == "epoch_ms":
            return int(moment.timestamp() * 1000)
        if self.format == "epoch_s":
            return int(moment.timestamp())
        if self.format == "compact":
            text = local.strftime(_COMPACT)
            return int(text) if isinstance(self.type, sa.Integer) else text
        if self.typed and isinstance(self.type, sa.DateTime):
            return moment if self.type.timezone else local.replace(tzinfo=None)
        if self.typed and isinstance(self.type, sa.Date):
            return local.date()
        midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
        return local.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S")

    def ceiling(self, moment: datetime) -> str | int | None:
        """The moment in the column's text (or number) as the query delivers it; None where it holds no time.

        Positions beyond it are not believed: one clock in 2099 would hide every later change.
        """
        if self.format == "iso" and not self.is_time:
            return None
        if self.format in {"epoch_ms", "epoch_s", "compact"}:
            found = self.value(moment)
            return found if isinstance(found, int) else str(found)
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def after(self, cursor: str, overlap: timedelta) -> Value:
        """The value from which changed rows are read again; raises ValueError for a cursor that does not fit.

        A whole number that is no time (a sequence) has no overlap in minutes: reading starts at itself.
        """
        if self.format in {"epoch_ms", "epoch_s"}:
            step = overlap.total_seconds() * (1000 if self.format == "epoch_ms" else 1)
            return int(cursor) - int(step)
        if self.format == "compact":
            moment = datetime.strptime(cursor[:14], _COMPACT).replace(tzinfo=self.zone)
            return self.value(moment - overlap)
        if isinstance(self.type, (sa.Integer, sa.Numeric)):
            return int(cursor)
        if cursor.isdecimal():
            return cursor
        start = datetime.fromisoformat(cursor)
        aware = start if start.tzinfo else start.replace(tzinfo=self.zone)
        if self.typed and isinstance(self.type, (sa.DateTime, sa.Date)):
            return self.value(aware - overlap)
        separator = "T" if "T" in cursor else " "
        return (start - overlap).isoformat(sep=separator, timespec="seconds")


def stored(spec: FeedSpec, column: str, kind: sa.types.TypeEngine[object], dialect: str) -> Stored:
    """How the column stores moments. SQLite has no types of its own for time: text, whatever is declared."""
    field = next((field for field in spec.fields.values() if field.source == column), None)
    return Stored(
        type=kind,
        format=field.format if field else "iso",
        zone=ZoneInfo(field.zone if field else "Asia/Shanghai"),
        typed=dialect != "sqlite",
        is_time=isinstance(kind, (sa.DateTime, sa.Date)) or (field is not None and field.type in {"timestamp", "date"}),
    )
