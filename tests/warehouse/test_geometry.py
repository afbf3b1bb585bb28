"""Units by point: the cell grid against exact rational arithmetic over the plain polygons."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from warehouse import reference
from warehouse.geometry import Grid, grid, read_boundaries, unit_by_point_sql

WEST, SOUTH, EAST, NORTH = 114.70, 34.48, 114.88, 34.62
Ring = list[tuple[Fraction, Fraction]]
Con = duckdb.DuckDBPyConnection


def rings() -> dict[str, Ring]:
    content = json.loads((reference.FOLDER / "units.geojson").read_text(encoding="utf-8"))
    return {
        feature["properties"]["unit_code"]: [
            (Fraction(x), Fraction(y)) for x, y in feature["geometry"]["coordinates"][0]
        ]
        for feature in content["features"]
    }


def inside(ring: Ring, lon: float, lat: float) -> bool:
    """Winding number in rational arithmetic: another method than the grid's, and without rounding."""
    x, y, winding = Fraction(lon), Fraction(lat), 0
    for (x1, y1), (x2, y2) in pairwise(ring):
        left = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1)
        if y1 <= y < y2 and left > 0:
            winding += 1
        elif y2 <= y < y1 and left < 0:
            winding -= 1
    return winding != 0


def fill(con: Con, made: Grid) -> Con:
    cells = {"cell_x": made.cell_x, "cell_y": made.cell_y, "whole": made.cell_whole}
    con.register("cells", cells | {"unit_code": made.cell_unit.astype(object)})
    ends = {name: made.edge_ends[:, n].copy() for n, name in enumerate(("x1", "y1", "x2", "y2"))}
    edges = {"cell_x": made.edge_x, "cell_y": made.edge_y, "unit_code": made.edge_unit.astype(object)}
    con.register("edges", edges | ends)
    con.execute("CREATE TABLE unit_cell AS FROM cells; CREATE TABLE unit_edge AS FROM edges")
    return con


@pytest.fixture(scope="module")
def con() -> Con:
    return fill(duckdb.connect(), grid(read_boundaries(reference.FOLDER / "units.geojson")))


def ask(con: Con, points: list[tuple[float | None, float | None]]) -> list[str | None]:
    con.execute("CREATE OR REPLACE TABLE point (n INTEGER, lon DOUBLE, lat DOUBLE)")
    con.execute(
        "INSERT INTO point SELECT unnest($n), unnest($x), unnest($y)",
        {"n": list(range(len(points))), "x": [x for x, _ in points], "y": [y for _, y in points]},
    )
    found = con.execute(f"SELECT n, unit_code FROM ({unit_by_point_sql('point', 'lon', 'lat')}) ORDER BY n")
    rows = found.fetchall()
    assert [n for n, _ in rows] == list(range(len(points))), "every row comes back exactly once"
    return [unit for _, unit in rows]


def expected(points: list[tuple[float, float]]) -> list[str | None]:
    known = rings()
    return [next((unit for unit, ring in known.items() if inside(ring, x, y)), None) for x, y in points]


def test_random_points_agree_with_exact_arithmetic(con: Con) -> None:
    chance = random.Random(1)
    points = [
        (chance.uniform(WEST - 0.01, EAST + 0.01), chance.uniform(SOUTH - 0.01, NORTH + 0.01)) for _ in range(500)
    ]
    assert ask(con, list(points)) == expected(points)


def test_points_a_micrometre_to_a_hundred_metres_from_a_border_agree(con: Con) -> None:
    chance = random.Random(2)
    points = []
    for ring in rings().values():
        for (x1, y1), (x2, y2) in pairwise(ring):
            for distance in (1e-11, 1e-8, 1e-5, 1e-3):
                along, side = Fraction(chance.random()), chance.choice((-1, 1)) * distance
                x, y = float(x1 + along * (x2 - x1)), float(y1 + along * (y2 - y1))
                length = math.hypot(float(x2 - x1), float(y2 - y1))
                points.append((x - side * float(y2 - y1) / length, y + side * float(x2 - x1) / length))
    assert ask(con, list(points)) == expected(points)


def test_corners_and_borders_belong_to_one_unit_at_most(con: Con) -> None:
    corners = sorted({(float(x), float(y)) for ring in rings().values() for x, y in ring})
    found = ask(con, list(corners))
    for (x, y), unit in zip(corners, found, strict=True):
        if WEST < x < EAST and SOUTH < y < NORTH:
            assert unit is not None, "inside the county there is no gap"


def test_territories_tile_the_county(con: Con) -> None:
    steps = [(WEST + 0.18 * (i + 0.37) / 60, SOUTH + 0.14 * (j + 0.41) / 60) for i in range(60) for j in range(60)]
    assert None not in ask(con, list(steps))
    area = sum(abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring))) / 2 for ring in rings().values())
    assert float(area) == pytest.approx((EAST - WEST) * (NORTH - SOUTH), rel=1e-9)


def test_nothing_but_a_place_in_the_county_has_a_unit(con: Con) -> None:
    nowhere: list[tuple[float | None, float | None]] = [
        (None, 34.55), (114.78, None), (math.nan, 34.55), (math.inf, 34.55), (1e300, 34.55), (0.0, 0.0),
        (34.55, 114.78), (WEST - 1e-9, 34.55), (EAST, 34.55), (114.78, NORTH),
    ]  # fmt: skip
    assert ask(con, nowhere) == [None] * len(nowhere)
    assert ask(con, [(114.78, 34.55)]) == ["jincheng"]


def test_repeated_points_keep_their_unit(con: Con) -> None:
    border = next(iter(rings().values()))[0]
    point = (float(border[0]) + 1e-6, float(border[1]) + 1e-6)
    assert ask(con, [point] * 5) == expected([point]) * 5


def test_holes_and_several_parts_are_understood(tmp_path: Path) -> None:
    square = [[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]]
    hole = [[0.0041, 0.0041], [0.0072, 0.0039], [0.0066, 0.0075], [0.0041, 0.0041]]
    island = [[0.02, 0.02], [0.0234, 0.0201], [0.0219, 0.0233], [0.02, 0.02]]
    shape = {"type": "MultiPolygon", "coordinates": [[square, hole], [island]]}
    path = tmp_path / "b.geojson"
    feature = {"type": "Feature", "properties": {"unit_code": "a"}, "geometry": shape}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    con = fill(duckdb.connect(), grid(read_boundaries(path)))
    points = [
        (0.001, 0.001),
        (0.0058, 0.005),
        (0.0215, 0.0215),
        (0.015, 0.015),
        (0.0099999, 0.005),
        (0.0071, 0.0072),
    ]
    assert ask(con, list(points)) == ["a", None, "a", None, "a", "a"]
