"""Same seed and day, same bytes; nothing else decides a value."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from sandbox.content import Late
from sandbox.dataset import build
from sandbox.platforms import load, names
from sandbox.world import COUNTY_SCALE, World, parse_scale, to_bd09, to_gcj02
from tests.sandbox.cities import DAY, MINE, rendered, world

CHILD = """
import sys
from pathlib import Path
from tests.sandbox.cities import rendered, world
print(sorted(rendered(Path(sys.argv[1]), world()).items()))
"""


def test_same_seed_gives_the_same_bytes_in_another_process_and_order(tmp_path: Path) -> None:
    here = rendered(tmp_path / "a", world(), order=MINE[::-1])
    there = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "b")],
        env={"PYTHONHASHSEED": "99", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == str(sorted(here.items()))


def test_another_seed_or_day_gives_other_bytes(tmp_path: Path) -> None:
    one = rendered(tmp_path / "a", world())
    other = rendered(tmp_path / "b", world(seed=8))
    next_day = rendered(tmp_path / "c", world(day=DAY + timedelta(days=1)))
    assert not set(one.values()) & set(other.values())
    assert one["mk_position"] != next_day["mk_position"]
    assert one["mk_vehicle"] == next_day["mk_vehicle"]  # a registry stays


def test_points_lie_in_the_territory_that_they_name() -> None:
    city = World(1, DAY)
    lon, lat, district = city.points(2000, city.rng("x"))
    assert set(district) == {"01", "02", "03", "04"}
    assert (city.districts(lon, lat) == district).all()
    _, _, chosen = city.points(400, city.rng("y"), (0.1, 0.2, 0.3, 0.4))
    assert np.unique(chosen, return_counts=True)[1].tolist() == [40, 80, 120, 160]
    assert lon.min() > 114.69 and lon.max() < 114.89 and lat.min() > 34.47 and lat.max() < 34.63


def test_gcj02_lies_some_500_m_east_and_bd09_further() -> None:
    lon, lat = np.array([114.78]), np.array([34.55])
    x, y = to_gcj02(lon, lat)
    metres = float((x - lon)[0]) * 111_320 * np.cos(np.radians(34.55))
    assert 450 < metres < 620 and abs(float((y - lat)[0])) * 111_320 < 250
    bx, by = to_bd09(lon, lat)
    assert float((bx - x)[0]) == pytest.approx(0.0065, abs=0.0006)
    assert float((by - y)[0]) == pytest.approx(0.006, abs=0.0006)


@pytest.mark.parametrize(("text", "scale"), [("demo", 1.0), ("county", COUNTY_SCALE), ("0.5", 0.5)])
def test_scale_has_names_and_numbers(text: str, scale: float) -> None:
    assert parse_scale(text) == scale
    assert World(1, DAY, scale).count(40, 300) == {1.0: 40, COUNTY_SCALE: 300, 0.5: 20}[scale]


@pytest.mark.parametrize("text", ["0", "-1", "many", "inf"])
def test_a_scale_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"scale|could not convert"):
        parse_scale(text)


def test_every_dataset_says_where_its_rows_are_from_and_names_a_feed_of_its_platform() -> None:
    city = world()
    for platform in MINE:
        for name, dataset in load(platform).DATASETS.items():
            table = build(city, name, dataset)
            assert dataset.feed.startswith(platform + ".")
            assert table["data_origin"].null_count == 0
            assert city.truth[dataset.feed].rows == table.num_rows
    assert set(MINE) <= set(names())


def test_rows_held_back_one_day_are_what_comes_late_on_the_next(tmp_path: Path) -> None:
    """The late rows of a day fall into windows that the earlier day's own delivery lacks."""
    dataset = load("dust").DATASETS["dust_sample"]
    faults = tuple(fault for fault in dataset.faults if isinstance(fault, Late))
    from dataclasses import replace

    only_late = replace(dataset, faults=faults)
    monday, tuesday = world(), world(day=DAY + timedelta(days=1))
    own = build(monday, "dust_sample", only_late).to_pydict()
    delivered = build(tuesday, "dust_sample", only_late)
    late = [row for row in delivered.to_pylist() if row["dataTime"].date() == DAY]
    assert late and len(late) <= tuesday.truth["dust.sample"].late
    keys = set(zip(own["mn"], own["dataTime"], strict=True))
    assert not keys & {(row["mn"], row["dataTime"]) for row in late}
