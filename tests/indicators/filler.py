"""Rows for every canonical table, the same ones each time: few words, so that rows of tables meet, times that tie,
values with many digits, and a NULL in every tenth cell that is no key."""

from __future__ import annotations

from datetime import date

import duckdb

from tests.indicators import city

HUBS_OWN = {"service_day", "unit_code"}
# What a column holds, by its name and then by its type.
WORDS = {
    "status": "in_use active registered intact damaged alive dead", "class": "road manhole", "flag": "N N N D",
    "waste_type": "domestic kitchen", "load": "00 11 01", "factor": "PM SO2 NOx CO HCl",
    "type": "spillage dump_outside_site",
    "kind": "min park building_site disposal", "dept_code": " ".join(city.DEPARTMENTS), "source": "12345 public patrol",
    "check_result": "pass fail", "plant": "杞县首创环保能源有限公司 other", "terminal_phone": "a b c d e f g h",
    "state": "loaded checked held expected failed", "feed": "a.b a.c a.d",
}  # fmt: skip
PLACES = {"lon": 114.80, "lat": 34.50, "lon_wgs84": 114.80, "lat_wgs84": 34.50}
KEYS = {
    table: [column.split()[0] for column in columns.split(", ") if column.endswith(" K")]
    for table, columns in (text.split(": ", 1) for text in city.FEEDS.values())
} | {"delivery": ["feed", "service_day"]}


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: int, first: date, days: int) -> None:
    """About `rows` rows, one a key, over service days from `first` on."""
    described = con.execute(f'DESCRIBE lake.main."{table}"').fetchall()
    kinds = {name: kind for name, kind, *_ in described if not name.startswith("_")}
    key = KEYS[table]
    cells = [f'{_cell(table, name, kind, name in key)} AS "{name}"' for name, kind in kinds.items()]
    names = ", ".join(f'"{name}"' for name in kinds)
    con.execute(
        f'INSERT INTO lake.main."{table}" ({names}) SELECT DISTINCT ON ({", ".join(key)}) {names}'
        f" FROM (SELECT DATE '{first}' + CAST(n % {days} AS INTEGER) AS d, {', '.join(cells)} FROM range({rows}) r(n))"
        " ORDER BY ALL"
    )


def _cell(table: str, name: str, kind: str, required: bool) -> str:
    def chance(of: int, salt: str = "") -> str:
        return f"CAST(hash(n, '{table}.{name}{salt}') % {of} AS INTEGER)"

    if name == "service_day":
        return "d"
    if name == "unit_code":
        return f"['juji', 'jincheng', 'wulihe', NULL][1 + {chance(4)}]"
    if required and KEYS[table] == [name]:
        return f"'{name[0]}' || n"
    if name in WORDS:
        words = WORDS[name].split()
        value = f"[{', '.join(repr(word) for word in words)}][1 + {chance(len(words))}]"
    elif name == "speed_kmh":
        value = f"[0, 0, 0.5, 40, 70.5][1 + {chance(5)}]"
    elif name in PLACES:
        value = f"{PLACES[name]} + {chance(20)} / 1000.0"
    elif kind.startswith("TIMESTAMP"):
        # of the day itself, of that before or after, to the half hour or to the millisecond
        days_off = f"CASE WHEN {chance(3, 'o')} = 0 THEN {chance(3, 'w')} - 1 ELSE 0 END"
        of_day = f"CASE WHEN {chance(2, 'r')} = 0 THEN {chance(48, 'h')} * 1800000 ELSE {chance(86400000, 'm')} END"
        value = f"CAST(d AS TIMESTAMPTZ) + to_milliseconds(({days_off}) * 86400000 + {of_day})"
    elif kind == "DATE":
        value = f"d + {chance(3)} - 1"
    elif kind == "BOOLEAN":
        value = f"{chance(3)} > 0"
    elif kind == "VARCHAR":
        value = f"'{name[0]}' || {chance(12)}"
    elif kind in {"INTEGER", "BIGINT"}:
        value = f"{chance(60)} - 1"
    else:
        value = f"CASE WHEN {chance(3, 'z')} = 0 THEN {chance(4, 'f')} * 20 ELSE ({chance(400000)} - 20000) / 977.0 END"
    lacks = "CAST(hash(n, 'place') % 10 AS INTEGER)" if name in PLACES else chance(10, "null")  # a place as a whole
    return value if required else f"CASE WHEN {lacks} > 0 THEN {value} END"
