"""What is asked: an indicator, a unit and a period, as people name them; near names where there is none."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.errors import Usage
from indicators.definitions import Definition
from indicators.dirty import known_days
from indicators.period import Period, of_day, of_month, spans
from indicators.run import ASSESSED, COUNTY

ALWAYS = ("day", "month")
_UNITS = "SELECT unit_code, name_zh, name_en, kind, valid_from, valid_to FROM unit ORDER BY sort, unit_code"
_THINGS = "SELECT DISTINCT unit_code FROM indicator_value WHERE code = $code AND contains(unit_code, ':') ORDER BY 1"
_FORMS = {
    "hour": re.compile(r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3])"),
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "week": re.compile(r"(\d{4})-W(\d\d)"),
    "month": re.compile(r"\d{4}-\d\d"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
    "season": re.compile(r"(\d{4})-(\d{4})"),
    "year": re.compile(r"\d{4}"),
}


@dataclass(frozen=True)
class Unit:
    """For whom: `kind` territory, department, county, or what rows name (road, company …)."""

    code: str
    zh: str
    en: str
    kind: str
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def named(self) -> str:
        """The code as rows hold it: without `road:`."""
        return self.code if self.kind in ASSESSED else self.code.partition(":")[2]


@dataclass(frozen=True)
class Question:
    """An indicator of a unit in a period. `name` is the stored period (`2026-11-20T08` for an hour, whose `period` is
    the day); `file` and `line`: where the definition begins."""

    definition: Definition
    file: str
    line: int
    unit: Unit
    kind: str
    name: str
    period: Period


def indicator(definitions: dict[str, Definition], code: str) -> Definition:
    """By code in any case, or by its title. Raises `Usage` CH-WHY-004 with near codes."""
    wanted = code.strip()
    for item in definitions.values():
        if wanted.upper() == item.code or wanted in {item.title.zh, item.title.en}:
            return item
    known = {item.code: item.code for item in definitions.values()} | {
        item.title.zh: f"{item.code} {item.title.zh}" for item in definitions.values()
    }
    near = difflib.get_close_matches(wanted.upper(), list(known), 3, 0.5) or difflib.get_close_matches(
        wanted, list(known), 3, 0.3
    )
    raise Usage("CH-WHY-004", indicator=code, near=", ".join(known[item] for item in near) or "none")


def unit(con: duckdb.DuckDBPyConnection, definition: Definition, text: str) -> Unit:
    """By code, Chinese or English name, or `road:…` for what rows name. Raises `Usage` CH-SCORE-006 with near names,
    CH-WHY-005 when the indicator has no values for such units."""
    wanted = text.strip()
    units = [Unit(*row) for row in con.execute(_UNITS).fetchall()]
    found = next((item for item in units if wanted in {item.code, item.zh, item.en}), None)
    things = [row[0] for row in con.execute(_THINGS, {"code": definition.code}).fetchall()]
    if found is None and ":" in wanted:
        kind = wanted.partition(":")[0]
        if wanted in things:
            found = Unit(wanted, wanted, wanted, kind)
        elif kind not in definition.unit_columns:
            raise _no_grain(definition, kind)
    if found is None:
        names = [name for item in units for name in (item.code, item.zh)] + things
        near = difflib.get_close_matches(wanted, names, 3, 0.4) or [f"{item.code} {item.zh}" for item in units]
        raise Usage("CH-SCORE-006", unit=text, near=", ".join(near))
    if found.kind not in {*definition.unit_columns, COUNTY}:
        raise _no_grain(definition, found.kind)
    return found


def _no_grain(definition: Definition, asked: str) -> Usage:
    return Usage(
        "CH-WHY-005",
        indicator=definition.code,
        asked=asked,
        space=", ".join(definition.grain.space),
        time=", ".join(times(definition)),
    )


def times(definition: Definition) -> list[str]:
    """The kinds of period that an indicator has values for; day and month always."""
    return list(dict.fromkeys([*definition.grain.time, *ALWAYS]))


def window(con: duckdb.DuckDBPyConnection, definition: Definition, text: str) -> tuple[str, str, Period]:
    """Kind, stored name and service days of what `text` says. A longer period ends with its last computed day, as
    its value does. Raises `Usage` CH-WHY-006 (no such form), CH-WHY-005 (not at this grain)."""
    wanted = text.strip().upper()
    kind = next((name for name, form in _FORMS.items() if form.fullmatch(wanted)), None)
    try:
        if kind is None:
            raise ValueError(text)
        whole = _whole(kind, wanted)
    except ValueError:
        raise Usage("CH-WHY-006", period=text, time=", ".join(times(definition))) from None
    if kind not in times(definition):
        raise _no_grain(definition, kind)
    if kind in {"hour", "day"}:
        return kind, wanted, whole
    days = [day for day in known_days(con) if whole.first <= day < whole.end]
    last = max(days, default=min(clock.yesterday(), whole.last))
    return kind, wanted, Period(whole.kind, whole.name, whole.first, max(of_day(last).end, whole.first))


def _whole(kind: str, name: str) -> Period:
    if kind in {"hour", "day"}:
        return of_day(date.fromisoformat(name[:10]))
    if kind == "month":
        return of_month(name, date.max.replace(day=1))
    year = int(name[:4])
    if kind == "week":
        inside = date.fromisocalendar(year, int(name[-2:]), 1)
    elif kind == "season":
        inside = date(int(name[-4:]), 1, 1)  # heating goes on over the turn of the year
    else:
        inside = date(year, int(name[-1]) * 3, 1) if kind == "quarter" else date(year, 1, 1)
    found = next((span for span in spans(inside) if (span.kind, span.name) == (kind, name)), None)
    if found is None:
        raise ValueError(name)
    return found


def place(folder: Path, code: str) -> tuple[str, int]:
    """File (`indicators/sanitation.yaml`) and line where a definition begins."""
    head = re.compile(rf"-\s+code:\s*['\"]?{re.escape(code)}\b")
    for path in sorted(folder.glob("*.yaml")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if head.match(line.strip()):
                return f"{folder.name}/{path.name}", number
    return f"{folder.name}/", 0
