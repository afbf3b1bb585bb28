"""智慧园林 landscaping: trees and tasks as `;` CSV with decimal comma in GB18030, pests as a workbook."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from sandbox import records
from sandbox.content import Duplicates, Fault, Spoil, negative, put
from sandbox.dataset import GENERATED, Dataset, Drop, real
from sandbox.platforms import landscaping_green
from sandbox.series import after, clock, past, pick, with_open_days
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
SPECIES = (
    "法国梧桐",
    "国槐",
    "银杏",
    "女贞",
    "栾树",
    "白蜡",
    "楸树",
    "Platanus x acerifolia",
    "Ginkgo biloba",
)
HEALTH = {"Good": "健康", "Fair": "一般", "Poor": "较差"}
STATUS = {"Alive": "存活", "Dead": "枯死", "Stump": "树桩"}
KINDS = ("浇水", "修剪", "冲洗", "打药")
CONTRACTORS = ("绿化养护一标段", "绿化养护二标段", "绿化养护三标段")
PESTS = ("美国白蛾", "蚜虫", "红蜘蛛", "天牛", "白粉病")
OPEN_DAYS = 14


def trees(world: World) -> pa.Table:
    """The register: the real ones first when there are records, moved to places of ours."""
    rng, n = world.stable_rng("landscaping.tree"), world.count(3000, 45_000)
    lon, lat, district = world.points(n, rng)
    species = [SPECIES[i] for i in rng.integers(0, len(SPECIES), n)]
    girth = list(np.round(np.clip(rng.lognormal(np.log(22), 0.5, n), 3, 140), 1))
    health = [HEALTH[str(value)] for value in rng.choice(["Good", "Fair", "Poor"], n, p=[0.77, 0.18, 0.05])]
    status = [STATUS[str(value)] for value in rng.choice(["Alive", "Dead", "Stump"], n, p=[0.985, 0.009, 0.006])]
    planted = [(date(1990, 3, 12) + timedelta(days=int(d))).isoformat() for d in rng.integers(0, 12_500, n)]
    origin = [GENERATED] * n
    for i, line in enumerate((records.rows(world, "nyc_trees_2015_sample500.csv") or [])[:n]):
        species[i] = line["spc_latin"] or "不详"
        girth[i] = round(float(line["tree_dbh"]) * 2.54, 1)  # inches in the census
        health[i] = HEALTH.get(line["health"], "")
        status[i] = STATUS[line["status"]]
        origin[i] = real("NYC street trees 2015")
    return pa.table(
        {
            "树木编号": pa.array([f"SM{i + 1:06d}" for i in range(n)]),
            "树种": pa.array(species),
            "胸径(cm)": pa.array(girth, pa.float64()),
            "长势": pa.array(health),
            "状态": pa.array(status),
            "栽植日期": pa.array(planted),
            "经度": pa.array(lon),
            "纬度": pa.array(lat),
            "区域编码": pa.array(district),
            "data_origin": pa.array(origin),
        }
    )


def _tasks_due(born: World, seen: World) -> pa.Table:
    """Work due on the day `born`; the done area grows until then and a little after. Area in 亩."""
    rng, n = born.rng("landscaping.task"), born.count(40, 120)
    district = rng.choice(4, n, p=SHARES)
    planned = np.round(rng.lognormal(np.log(60), 1.3, n), 1)
    diligence = np.array([0.99, 0.94, 0.88, 0.82])[district]
    done = np.minimum(rng.normal(diligence, 0.08, n), 1.0)
    late = (seen.day - born.day).days
    done = np.clip(done + 0.06 * late, 0, 1)
    return pa.table(
        {
            "任务编号": pa.array([f"YL{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)]),
            "作业类型": pick(KINDS, rng.choice(4, n, p=[0.4, 0.25, 0.2, 0.15])),
            "养护单位": pick(CONTRACTORS, rng.integers(0, 3, n)),
            "计划量(亩)": pa.array(planned),
            "完成量(亩)": pa.array(np.round(planned * done, 1)),
            "应完成日期": pa.array([born.day.isoformat()] * n),
            "区域编码": pick(DISTRICTS, district),
        }
    )


def tasks(world: World) -> pa.Table:
    """Tasks due on the day and, with what was done since, on the two days before."""
    return pa.concat_tables([_tasks_due(world.back(ago), world) for ago in range(3)])


def _pests(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("landscaping.pest"), born.count(6, 15)
    district = rng.choice(4, n, p=SHARES)
    found = clock(born, np.sort(rng.integers(7 * 3600, 18 * 3600, n)))
    hours = rng.lognormal(np.log(np.array([30.0, 44.0, 60.0, 80.0])[district]), 0.5, n)
    return pa.table(
        {
            "编号": pa.array([f"CH{born.day:%Y%m%d}{i + 1:03d}" for i in range(n)]),
            "病虫害种类": pick(PESTS, rng.integers(0, len(PESTS), n)),
            "发现时间": pa.array(found),
            "处置时间": pa.array(past(seen, after(found, hours))),
            "区域编码": pick(DISTRICTS, district),
        }
    )


def pests(world: World) -> pa.Table:
    """Findings of the day and those of two weeks before that were treated on it."""
    return with_open_days(world, OPEN_DAYS, _pests, ["处置时间"])


TREE_FAULTS: tuple[Fault, ...] = (
    Spoil("not_measured", 0.01, {"胸径(cm)": put(None)}, bad=False),
    Spoil("no_place", 0.004, {"经度": put(None), "纬度": put(None)}, bad=False),
    Spoil("unknown_state", 0.001, {"状态": put("待查")}),
    Duplicates(0.002),
)
TASK_FAULTS: tuple[Fault, ...] = (
    Spoil("negative", 0.02, {"完成量(亩)": negative}),
    Spoil("no_quantity", 0.02, {"完成量(亩)": put(None)}, bad=False),
    Duplicates(0.02),
)
PEST_FAULTS: tuple[Fault, ...] = (Duplicates(0.1),)

DATASETS = {
    "tree": Dataset("landscaping.tree", trees, None, TREE_FAULTS),
    "task": Dataset("landscaping.task", tasks, None, TASK_FAULTS),
    "pest": Dataset("landscaping.pest", pests, "发现时间", PEST_FAULTS),
    "green": Dataset("landscaping.green", landscaping_green.greens),
    "irrigation": Dataset("landscaping.irrigation", landscaping_green.irrigation, "抄表时间", (Duplicates(0.02),)),
}
DROPS = {
    "tree": Drop("gl_tree_{day}.csv", encoding="gb18030", bom=True, delimiter=";", decimal=","),
    "task": Drop("gl_task_{day}.csv", encoding="gb18030", bom=True, delimiter=";", decimal=","),
    "green": Drop("gl_green_{day}.csv", encoding="gb18030", bom=True, delimiter=";", decimal=","),
    "irrigation": Drop("gl_irrigation_{day}.csv", encoding="gb18030", bom=True, delimiter=";", decimal=","),
    "pest": Drop("gl_pest_{day}.xlsx", format="xlsx", title="杞县园林病虫害防治台账", sheet="病虫害"),
}
