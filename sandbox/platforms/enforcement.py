"""综合执法 enforcement: cases of the digital-city system, a view of the exchange database.

A delivery holds the month's cases up to the day, as the system knows them that night. With records: reported
hour, deadline and closing interval of real service requests (negative and missing ones kept); stages between,
classes, places and departments are generated. A case lives the same life whichever day one looks at it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox import records
from sandbox.content import Duplicates, Fault, Spoil, put
from sandbox.dataset import GENERATED, Dataset, real
from sandbox.geo import Floats
from sandbox.platforms import enforcement_penalty
from sandbox.series import EPOCH, Ints, Times, after, clock, past, pick
from sandbox.world import World

SOURCES = ("巡查上报", "12319", "12345", "公众举报", "视频抓拍")
PARTS = ("01001", "01005", "01037", "02002", "03007", "05002")  # five digits, GB/T 47678.5
MATTERS = ("06010", "06011", "06012", "06017", "06036", "06042", "06045", "07003", "09005", "09006")
STREETS = ("经三路", "金城大道", "建设路", "银河路", "中心大街", "滨河路", "北环路", "文化路")
DEPARTMENTS = ("D01", "D02", "D03", "D04", "D05", "D06")
# Who gets a case: usual share, and how much likelier when it is not closed in time.
DEPARTMENT_SHARE, DEPARTMENT_LATE = (
    np.array([0.35, 0.2, 0.15, 0.12, 0.1, 0.08]),
    np.array([0.7, 1.0, 1.3, 0.5, 1.2, 1.8]),
)
DISTRICT_SHARE, DISTRICT_LATE = np.array([0.38, 0.24, 0.16, 0.22]), np.array([0.5, 1.0, 1.1, 1.7])
LIMITS_H = np.array([72.0, 168.0, 336.0, 480.0])
STAGES = {"slsj": 0.02, "lasj": 0.06, "pqsj": 0.10, "czsj": 0.86, "hcsj": 0.95}  # share of the interval


def _interval(created: str, due: str, closed: str, style: str) -> tuple[float, float, float]:
    def parsed(text: str) -> datetime | None:
        if not text:
            return None
        return (
            datetime.fromisoformat(text) if style == "iso" else datetime.strptime(text, style)  # noqa: DTZ007
        )

    start, until, end = parsed(created), parsed(due), parsed(closed)
    if start is None:
        return 0.0, np.nan, np.nan
    second = start.hour * 3600.0 + start.minute * 60 + start.second
    hours = [(moment - start) / timedelta(hours=1) if moment else np.nan for moment in (until, end)]
    return second, hours[0], hours[1]


def _real_intervals(world: World) -> Floats | None:
    """Rows of second of the day, hours to the deadline, hours to closing; NaN where unknown."""
    old = records.rows(world, "nyc311_2018_sample1000.csv")
    new = records.rows(world, "nyc311_2023_sample500.csv")
    if old is None or new is None:
        return None
    us = "%m/%d/%Y %I:%M:%S %p"
    found = [_interval(line["Created Date"], line["Due Date"], line["Closed Date"], us) for line in old]
    found += [_interval(line["created_date"], "", line["closed_date"] or "", "iso") for line in new]
    return np.array(found)


def _drawn_intervals(rng: np.random.Generator, n: int) -> Floats:
    """Shaped like the real ones: half closed within half a day, a long tail, a fifth open."""
    hours = np.where(rng.random(n) < 0.6, rng.lognormal(np.log(3), 1.3, n), rng.lognormal(np.log(150), 1.2, n))
    hours = np.where(rng.random(n) < 0.005, -hours, hours)
    hours[rng.random(n) < 0.19] = np.nan
    due = np.where(rng.random(n) < 0.3, 8.0, np.nan)
    return np.column_stack([rng.normal(13, 4.5, n).clip(0, 23.99) * 3600, due, hours])


def _weighted(rng: np.random.Generator, share: Floats, late_factor: Floats, late: NDArray[np.bool_]) -> Ints:
    weights = np.where(late[:, None], share * late_factor, share / late_factor)
    edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    return np.asarray((rng.random(late.size)[:, None] > edges).sum(axis=1).clip(0, share.size - 1), dtype=np.int64)


def _cases(born: World, seen: World) -> pa.Table:
    """Cases reported on the day `born` as known at the end of the day `seen`."""
    rng, n = born.rng("enforcement.case"), born.count(60, 450)
    real_ones = _real_intervals(born)
    if real_ones is None:
        spans, origin = _drawn_intervals(rng, n), GENERATED
    else:
        first = (born.day - EPOCH).days * n
        spans, origin = (
            real_ones[np.arange(first, first + n) % len(real_ones)],
            real("NYC 311 service requests"),
        )
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    limit = np.where(np.isnan(spans[:, 1]), LIMITS_H[rng.choice(4, n, p=[0.25, 0.35, 0.25, 0.15])], spans[:, 1])
    hours = spans[:, 2]
    late = ~(hours <= limit)
    department = _weighted(rng, DEPARTMENT_SHARE, DEPARTMENT_LATE, late)
    district = _weighted(rng, DISTRICT_SHARE, DISTRICT_LATE, late)
    lon, lat = _places(born, rng, district)
    is_part = rng.random(n) < 0.3
    registered = rng.random(n) < 0.965
    reported = clock(born, spans[:, 0])
    # An open case is dispatched all the same; one that "closed" before it was reported has no stages between.
    length = np.where(np.isnan(hours), 48.0, hours)
    stages = _stages(seen, reported, length, np.isnan(hours), registered)
    closed = past(seen, after(reported, np.where(registered | (hours < 0), hours, np.nan)))
    checked = ~np.isnat(stages["hcsj"])
    failed = rng.random(n) < np.where(late, 0.12, 0.035)
    answered = (rng.random(n) < 0.4) & ~np.isnat(closed)
    satisfied = rng.random(n) < np.where(late, 0.80, 0.97)
    known = [reported, *stages.values(), closed]
    changed = np.max([np.where(np.isnat(times), reported, times).astype("int64") for times in known], axis=0).astype(
        "datetime64[us]"
    )
    number = np.arange(1, n + 1)
    return pa.table(
        {
            "ajbh": pa.array([f"AJ{born.day:%Y%m%d}{i:05d}" for i in number]),
            "ajly": pick(SOURCES, rng.choice(5, n, p=[0.5, 0.12, 0.18, 0.12, 0.08])),
            "ajlx": pick(("事件", "部件"), is_part.astype(int)),
            "lbdm": pa.array(np.where(is_part, rng.choice(PARTS, n), rng.choice(MATTERS, n)).tolist()),
            "wgbh": pa.array(
                [f"410221{d + 1:03d}001{g:03d}" for d, g in zip(district, rng.integers(1, 40, n), strict=True)]
            ),
            "ajdz": pa.array(
                [f"{STREETS[s]}{h}号附近" for s, h in zip(rng.integers(0, 8, n), rng.integers(1, 400, n), strict=True)]
            ),
            "zbx": pa.array(lon),
            "zby": pa.array(lat),
            "sbsj": pa.array(reported),
            **{name: pa.array(times) for name, times in stages.items()},
            "czqx": pa.array(after(reported, limit)),
            "hcjg": _known(("通过", "不通过"), failed, checked),
            "jasj": pa.array(closed),
            "cbdw": pick(DEPARTMENTS, department),
            "fgcs": pa.array((failed & checked).astype(np.int64)),
            "htcs": pa.array((rng.random(n) < 0.05).astype(np.int64)),
            "sfgz": pick(("否", "是"), (rng.random(n) < 0.01).astype(int)),
            "sfmy": _known(("否", "是"), satisfied, answered),
            "lxdh": pa.array([f"100{phone:08d}" for phone in rng.integers(0, 100_000_000, n)]),
            "gxsj": pa.array(changed),
            "qhdm": pick(("01", "02", "03", "04"), district),
            "data_origin": pa.array([origin] * n),
        }
    )


def _known(words: tuple[str, str], second: NDArray[np.bool_], known: NDArray[np.bool_]) -> pa.Array:
    """One of two words, null where it is not known."""
    return pa.array([words[int(s)] if k else None for s, k in zip(second, known, strict=True)], pa.string())


def _stages(
    seen: World, reported: Times, hours: Floats, still_open: NDArray[np.bool_], registered: NDArray[np.bool_]
) -> dict[str, Times]:
    found = {}
    for name, share in STAGES.items():
        reached = np.where(hours >= 0, hours * share, np.nan)
        if name in {"czsj", "hcsj"}:
            reached = np.where(still_open, np.nan, reached)
        if name != "slsj":
            reached = np.where(registered, reached, np.nan)
        found[name] = past(seen, after(reported, reached))
    return found


def _places(world: World, rng: np.random.Generator, district: Ints) -> tuple[Floats, Floats]:
    """A place inside each case's district."""
    lon, lat, code = world.points(max(200, 12 * district.size), rng)
    x, y = np.empty(district.size), np.empty(district.size)
    for number in range(4):
        pool, own = np.flatnonzero(code == f"{number + 1:02d}"), np.flatnonzero(district == number)
        chosen = pool[rng.integers(0, pool.size, own.size)]
        x[own], y[own] = lon[chosen], lat[chosen]
    return x, y


def cases(world: World) -> pa.Table:
    """All cases of the month reported up to the day."""
    return pa.concat_tables([_cases(world.back(ago), world) for ago in reversed(range(world.day.day))])


CASE_FAULTS: tuple[Fault, ...] = (
    Spoil("no_report_time", 0.001, {"sbsj": put(None)}),
    Spoil("swapped_lon_lat", 0.002, {"zbx": put(34.55), "zby": put(114.78)}),
    Spoil("unknown_department", 0.001, {"cbdw": put("D99")}),
    Spoil("retired_class_code", 0.005, {"lbdm": put("0612")}, bad=False),
    Spoil("closed_but_never_handled", 0.004, {"czsj": put(None), "jasj": lambda column: column}, bad=False),
    Spoil("no_address", 0.01, {"ajdz": put("--")}, bad=False),
    Duplicates(0.004),
)

DATASETS = {
    "case": Dataset("enforcement.case", cases, "sbsj", CASE_FAULTS),
    "penalty": Dataset("enforcement.penalty", enforcement_penalty.cases, "lasj"),
}
EXCHANGE = {"case": "v_ajxx", "penalty": "v_cfaj"}
LIVING = {"case": ("ajbh", "gxsj"), "penalty": ("cfah", "gxsj")}
