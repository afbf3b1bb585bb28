-- Of each device: what share of its day lies in cells (100 m) in which the feed lay on the day before, as it stands
-- and after each move. Gives the best move and both shares.
WITH cell AS (
    SELECT DISTINCT CAST(floor(lon_wgs84 * 1000) AS INTEGER) AS x, CAST(floor(lat_wgs84 * 1000) AS INTEGER) AS y
    FROM {table} WHERE service_day = $before AND lon_wgs84 IS NOT NULL
), point AS (
    SELECT {device} AS device, lon_wgs84 AS lon, lat_wgs84 AS lat
    FROM {table} WHERE service_day = $day AND lon_wgs84 IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY device ORDER BY hash(lon_wgs84, lat_wgs84)) <= 500
), move(name, x, y) AS (VALUES {moves}),
tried AS (
    SELECT p.device, m.name, count(*) AS n, count(c.x) / count(*) AS share
    FROM point AS p CROSS JOIN move AS m
    LEFT JOIN cell AS c
        ON c.x = CAST(floor((p.lon - m.x) * 1000) AS INTEGER) AND c.y = CAST(floor((p.lat - m.y) * 1000) AS INTEGER)
    GROUP BY ALL
)
SELECT device, arg_max(name, share), max(share) FILTER (name = '') AS own, max(share) AS best
FROM tried WHERE n >= $least GROUP BY device ORDER BY device
