"""Times as a source writes them: read, moved, and written again in the same form."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cityhub.clock import SHANGHAI
from cityhub.spec.fields import FieldSpec

_COMPACT = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 10: "%Y%m%d%H", 8: "%Y%m%d"}
_US = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y")
_EXCEL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)


def read(raw: Any, field: FieldSpec) -> datetime | None:
    """The instant that a value stands for; None for what these forms do not hold."""
    if raw is None or field.type not in {"timestamp", "date"}:
        return None
    zone = ZoneInfo(field.zone)
    try:
        return _read(str(raw).strip(), field.format, zone)
    except (ValueError, OverflowError):
        return None


def _read(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    if form in {"epoch_s", "epoch_ms"}:
        return datetime.fromtimestamp(float(text) / (1000 if form == "epoch_ms" else 1), UTC)
    if form == "compact":
        return datetime.strptime(text[:14], _COMPACT[min(len(text), 14)]).replace(tzinfo=zone)
    if form == "us":
        return datetime.strptime(text, _us(text)).replace(tzinfo=zone)
    if form == "excel" and text.replace(".", "", 1).isdigit():
        return (_EXCEL_ZERO + timedelta(days=float(text))).replace(tzinfo=zone)
    found = datetime.fromisoformat(text.replace("/", "-"))
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _us(text: str) -> str:
    for form in _US:
        try:
            datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return form
    raise ValueError(text)


def moved(raw: Any, field: FieldSpec, by: timedelta) -> Any | None:
    """The value moved in time, in the form in which it came; None where it is no time."""
    moment = read(raw, field)
    if moment is None:
        return None
    later = (moment.astimezone(ZoneInfo(field.zone)) if field.format not in {"epoch_s", "epoch_ms"} else moment) + by
    text = _written(str(raw).strip(), field, later)
    if isinstance(raw, int):
        return int(text)
    return float(text) if isinstance(raw, float) else text


def _written(text: str, field: FieldSpec, moment: datetime) -> str:
    if field.format in {"epoch_s", "epoch_ms"}:
        return str(round(moment.timestamp() * (1000 if field.format == "epoch_ms" else 1)))
    if field.format == "compact":
        return moment.strftime(_COMPACT[min(len(text), 14)]) + text[14:]
    if field.format == "us":
        return moment.strftime(_us(text))
    if field.format == "excel" and text.replace(".", "", 1).isdigit():
        days = (moment.replace(tzinfo=UTC) - _EXCEL_ZERO) / timedelta(days=1)
        return repr(round(days, 9))
    plain = text.replace("/", "-")
    if len(plain) <= 10:
        found = f"{moment:%Y-%m-%d}"
    else:
        aware = datetime.fromisoformat(plain).tzinfo is not None
        kept = moment if aware else moment.replace(tzinfo=None)
        found = kept.isoformat(sep="T" if "T" in plain else " ", timespec="auto" if "." in plain else "seconds")
    return found.replace("-", "/", 2) if "/" in text else found


def day_of(raw: Any, field: FieldSpec) -> date | None:
    """The local day of a value."""
    moment = read(raw, field)
    return moment.astimezone(SHANGHAI).date() if moment else None
