-- Devices that are seen in two places faster than anything drives: above 220 km/h over more than 400 m.
WITH step AS (
    SELECT {device} AS device, {at} AS seen_at,
        (lon_wgs84 - lag(lon_wgs84) OVER w) * 111.32 * cos(radians(lat_wgs84)) AS x_km,
        (lat_wgs84 - lag(lat_wgs84) OVER w) * 110.57 AS y_km,
        epoch({at}) - epoch(lag({at}) OVER w) AS seconds
    FROM {table} WHERE service_day = $day AND lon_wgs84 IS NOT NULL
    WINDOW w AS (PARTITION BY {device} ORDER BY {at})
)
SELECT device, count(*) AS jumps, min(seen_at) AS first_at
FROM step WHERE x_km * x_km + y_km * y_km > 0.16 AND sqrt(x_km * x_km + y_km * y_km) * 3600 > 220 * greatest(seconds, 1)
GROUP BY device ORDER BY jumps DESC, device
