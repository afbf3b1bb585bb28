"""Which unit a point belongs to: an exact cell grid, and ray casting only in the cells that a border touches.

Cells are 0.001 degrees wide and named by `floor(lon * 1000)`, `floor(lat * 1000)`. A cell that no border
touches belongs to one unit as a whole; for the others `unit_edge` holds the edges that a ray from the cell to
the east can cross. An edge starts at its lower end in every polygon that has it, so that neighbours
compute the same crossing to the last bit: a point on a shared border belongs to exactly one of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityhub.errors import Stop
from warehouse.names import identifier

PER_DEGREE = 1000
# Wider than any rounding of lon * 1000 (4e-11) and far below a millimetre: 1e-9 degrees.
MARGIN = 1e-9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grid:
    """Columns of `unit_cell` (x, y, unit, whole) and `unit_edge` (unit, x, y and the four ends, degrees)."""

    cell_x: Ints
    cell_y: Ints
    cell_unit: NDArray[np.str_]
    cell_whole: NDArray[np.bool_]
    edge_unit: NDArray[np.str_]
    edge_x: Ints
    edge_y: Ints
    edge_ends: Floats


def read_boundaries(path: Path) -> dict[str, Floats]:
    """Unit code → edges of all its rings as rows `x1, y1, x2, y2` (degrees, WGS-84), lower end first.

    Takes Polygon and MultiPolygon; holes work by themselves (even-odd). Raises `Stop` CH-REF-001.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        found: dict[str, list[Floats]] = {}
        for feature in features:
            shape = feature["geometry"]
            several = {"Polygon": [shape["coordinates"]], "MultiPolygon": shape["coordinates"]}[shape["type"]]
            for ring in (ring for polygon in several for ring in polygon):
                points = np.asarray(ring, dtype=np.float64)[:, :2]
                if len(points) < 4 or (points[0] != points[-1]).any():
                    raise ValueError("a ring needs four points and ends where it begins")
                found.setdefault(feature["properties"]["unit_code"], []).append(np.hstack([points[:-1], points[1:]]))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise Stop("CH-REF-001", file=str(path), detail=f"{type(error).__name__}: {error}") from None
    return {unit: _upward(np.vstack(edges)) for unit, edges in found.items()}


def _upward(edges: Floats) -> Floats:
    down = edges[:, 1] > edges[:, 3]
    edges[down] = edges[down][:, [2, 3, 0, 1]]
    return edges


def grid(boundaries: dict[str, Floats]) -> Grid:
    """The cell grid of all units."""
    every = np.vstack(list(boundaries.values()))
    west, east = every[:, [0, 2]].min(), every[:, [0, 2]].max()
    south, north = every[:, [1, 3]].min(), every[:, [1, 3]].max()
    x0, y0 = int(np.floor(west * PER_DEGREE)) - 1, int(np.floor(south * PER_DEGREE)) - 1
    shape = int(np.floor(north * PER_DEGREE)) - y0 + 2, int(np.floor(east * PER_DEGREE)) - x0 + 2
    touched = _touched(every, x0, y0, shape)
    cells: list[tuple[Ints, Ints, str, bool]] = []
    edges: list[tuple[str, Ints, Ints, Floats]] = []
    for unit, own in boundaries.items():
        whole = _centres_inside(own, x0, y0, shape) & ~touched
        border = _touched(own, x0, y0, shape) | (_centres_inside(own, x0, y0, shape) & touched)
        for mask, is_whole in ((whole, True), (border, False)):
            rows, columns = np.nonzero(mask)
            cells.append((columns + x0, rows + y0, unit, is_whole))
        edges += [(unit, *found) for found in _edges_by_cell(own, border, x0, y0)]
    return Grid(
        cell_x=np.concatenate([x for x, _, _, _ in cells]),
        cell_y=np.concatenate([y for _, y, _, _ in cells]),
        cell_unit=np.concatenate([np.full(len(x), unit) for x, _, unit, _ in cells]),
        cell_whole=np.concatenate([np.full(len(x), is_whole) for x, _, _, is_whole in cells]),
        edge_unit=np.concatenate([np.full(len(x), unit) for unit, x, _, _ in edges]),
        edge_x=np.concatenate([x for _, x, _, _ in edges]),
        edge_y=np.concatenate([y for _, _, y, _ in edges]),
        edge_ends=np.vstack([ends for _, _, _, ends in edges]),
    )


def _window(low: float, high: float, origin: int, size: int) -> tuple[int, int]:
    first = int(np.floor((low - MARGIN) * PER_DEGREE)) - origin
    last = int(np.floor((high + MARGIN) * PER_DEGREE)) - origin
    return max(first, 0), min(last, size - 1) + 1


def _touched(edges: Floats, x0: int, y0: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells, widened by the margin, that an edge touches: boxes overlap, and corners lie on both sides."""
    mask = np.zeros(shape, dtype=bool)
    half = 0.5 / PER_DEGREE + MARGIN
    for x1, y1, x2, y2 in edges:
        left, right = _window(min(x1, x2), max(x1, x2), x0, shape[1])
        bottom, top = _window(y1, y2, y0, shape[0])
        centre_x = (np.arange(left, right) + x0 + 0.5) / PER_DEGREE
        centre_y = (np.arange(bottom, top)[:, None] + y0 + 0.5) / PER_DEGREE
        side = (x2 - x1) * (centre_y - y1) - (y2 - y1) * (centre_x - x1)
        mask[bottom:top, left:right] |= np.abs(side) <= half * (abs(x2 - x1) + abs(y2 - y1))
    return mask


def _centres_inside(edges: Floats, x0: int, y0: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells whose centre lies inside (even-odd)."""
    mask = np.zeros(shape, dtype=bool)
    centre_x = (np.arange(shape[1]) + x0 + 0.5) / PER_DEGREE
    centre_y = (np.arange(shape[0]) + y0 + 0.5) / PER_DEGREE
    for x1, y1, x2, y2 in edges:
        rows = np.nonzero((y1 > centre_y) != (y2 > centre_y))[0]
        crossing = (x2 - x1) * (centre_y[rows] - y1) / (y2 - y1) + x1 if len(rows) else centre_y[rows]
        mask[rows] ^= centre_x[None, :] < crossing[:, None]
    return mask


def _edges_by_cell(edges: Floats, border: NDArray[np.bool_], x0: int, y0: int) -> list[tuple[Ints, Ints, Floats]]:
    """For each edge the border cells in its rows that do not lie east of it: the rays that can cross it."""
    found = []
    for edge in edges:
        x1, y1, x2, y2 = edge
        if y1 == y2:
            continue  # a ray to the east never crosses a level edge
        bottom, top = _window(y1, y2, y0, border.shape[0])
        _, right = _window(x1, max(x1, x2), x0, border.shape[1])
        rows, columns = np.nonzero(border[bottom:top, :right])
        found.append((columns + x0, rows + bottom + y0, np.tile(edge, (len(rows), 1))))
    return found


def unit_by_point_sql(relation: str, lon: str, lat: str, *, unit: str = "unit_code") -> str:
    """A SELECT of all columns of `relation` (a table, view or CTE of the caller) and the unit of its point.

    `lon`, `lat` name its WGS-84 columns in degrees; NULL or outside all units gives NULL. The relation must
    not have a column `unit` yet. Portable SQL; every row of the relation comes back exactly once. Rays are
    cast only for points in border cells, each distinct point once.
    """
    x, y, name = identifier(lon), identifier(lat), identifier(unit)
    # The CASE keeps NaN and values beyond an INTEGER away from the cast.
    cell = f"CAST(CASE WHEN {{0}} BETWEEN -180 AND 180 THEN floor({{0}} * {PER_DEGREE}) END AS INTEGER)"
    return f"""
SELECT p.*, coalesce(c.unit_code, b.unit_code) AS {name}
FROM {relation} AS p
LEFT JOIN (
    SELECT cell_x, cell_y, min(unit_code) AS unit_code FROM unit_cell WHERE whole GROUP BY cell_x, cell_y
) AS c ON c.cell_x = {cell.format("p." + x)} AND c.cell_y = {cell.format("p." + y)}
LEFT JOIN (
    SELECT point_x, point_y, min(unit_code) AS unit_code
    FROM (
        SELECT point_x, point_y, unit_code
        FROM (
            SELECT DISTINCT q.{x} AS point_x, q.{y} AS point_y, e.unit_code, e.x1, e.y1, e.x2, e.y2
            FROM {relation} AS q
            INNER JOIN unit_edge AS e
                ON e.cell_x = {cell.format("q." + x)} AND e.cell_y = {cell.format("q." + y)}
            WHERE e.y1 <= q.{y} AND q.{y} < e.y2
                AND q.{x} < (e.x2 - e.x1) * (q.{y} - e.y1) / (e.y2 - e.y1) + e.x1
        ) AS crossed
        GROUP BY point_x, point_y, unit_code
        HAVING count(*) % 2 = 1
    ) AS inside
    GROUP BY point_x, point_y
) AS b ON b.point_x = p.{x} AND b.point_y = p.{y}
"""
