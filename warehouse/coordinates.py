"""GCJ-02 and BD-09 to WGS-84 in SQL, by fixed-point iteration of the public forward formulas.

Two steps leave less than a centimetre of what the forward formula itself defines (the plain difference leaves
metres). Constants: Krasovsky 1940 ellipsoid, as in every published form of the transform.
"""

from __future__ import annotations

AXIS = "6378245.0"
ECCENTRICITY = "0.00669342162296594323"
BD_PI = "(pi() * 3000.0 / 180.0)"

# Offsets in metres at x = lon - 105, y = lat - 35. `sin(2πx)` terms occur in both: computed once.
_WAVES = "(20.0 * sin(6.0 * pi() * x) + 20.0 * sin(2.0 * pi() * x))"
_NORTH = (
    "-100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + (w"
    " + 20.0 * sin(pi() * y) + 40.0 * sin(pi() * y / 3.0)"
    " + 160.0 * sin(pi() * y / 12.0) + 320.0 * sin(pi() * y / 30.0)) * 2.0 / 3.0"
)
_EAST = (
    "300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + (w"
    " + 20.0 * sin(pi() * x) + 40.0 * sin(pi() * x / 3.0)"
    " + 150.0 * sin(pi() * x / 12.0) + 300.0 * sin(pi() * x / 30.0)) * 2.0 / 3.0"
)


def to_wgs84(relation: str, system: str, lon: str, lat: str) -> str:
    """A SELECT of `relation` with `lon_wgs84` and `lat_wgs84` (degrees) added.

    `lon`, `lat` are its DOUBLE columns, NULL together where there is no position; they stay as received.
    `relation` is a parenthesised query or a table name; its columns must not be x, y, w, m, n, e, glon, glat.
    """
    if system in {"wgs84", "cgcs2000"}:  # CGCS2000 is WGS-84 to within a few centimetres
        return f"SELECT *, {lon} AS lon_wgs84, {lat} AS lat_wgs84 FROM {relation}"
    source = f"(SELECT *, {lon} AS glon, {lat} AS glat FROM {relation})"
    if system == "bd09":
        source = (
            "(SELECT * EXCLUDE (bdx, bdy, z, t), z * cos(t) AS glon, z * sin(t) AS glat FROM (SELECT *,"
            f" sqrt(bdx * bdx + bdy * bdy) - 0.00002 * sin(bdy * {BD_PI}) AS z,"
            f" atan2(bdy, bdx) - 0.000003 * cos(bdx * {BD_PI}) AS t FROM (SELECT *,"
            f" {lon} - 0.0065 AS bdx, {lat} - 0.006 AS bdy FROM {relation})))"
        )
    first = _step(f"(SELECT *, glon AS lon_wgs84, glat AS lat_wgs84 FROM {source})")
    return f"SELECT * EXCLUDE (glon, glat) FROM ({_step(f'({first})')})"


def _step(relation: str) -> str:
    """One iteration: guess := received - offset(guess)."""
    return (
        "SELECT * EXCLUDE (x, y, w, m, n, e, lon_wgs84, lat_wgs84),"
        f" glon - e * 180.0 / ({AXIS} / sqrt(m) * cos(radians(lat_wgs84)) * pi()) AS lon_wgs84,"
        f" glat - n * 180.0 / ({AXIS} * (1 - {ECCENTRICITY}) / (m * sqrt(m)) * pi()) AS lat_wgs84 FROM ("
        f"SELECT *, 1 - {ECCENTRICITY} * pow(sin(radians(lat_wgs84)), 2) AS m, {_NORTH} AS n, {_EAST} AS e FROM ("
        f"SELECT *, {_WAVES} AS w FROM (SELECT *, lon_wgs84 - 105.0 AS x, lat_wgs84 - 35.0 AS y"
        f" FROM {relation})))"
    )
