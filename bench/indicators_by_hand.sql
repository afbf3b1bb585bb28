-- Five of the heaviest indicators as somebody who knows DuckDB writes them for one day, over the tables as they are:
-- time stamps, doubles, FILTER, QUALIFY, GROUPING SETS. Rows: kind of unit, unit, numerator, denominator.
-- name: MUK-02
WITH gap AS (
    SELECT terminal_phone, acc, epoch_ms(lead(ts) OVER w) - epoch_ms(ts) AS gap_ms
    FROM lake.main.mk_position WHERE service_day = $day
    WINDOW w AS (PARTITION BY terminal_phone ORDER BY ts, lon, lat)
), track AS (
    SELECT terminal_phone, coalesce(sum(gap_ms) FILTER (acc AND gap_ms <= 120000), 0) AS covered,
           sum(gap_ms) FILTER (acc) AS on_ms
    FROM gap GROUP BY ALL
)
SELECT CASE WHEN grouping(unit_code) = 0 THEN 'territory' ELSE 'county' END, unit_code,
       sum(covered) FILTER (on_ms IS NOT NULL) / 1000, sum(on_ms) / 1000
FROM track LEFT JOIN (SELECT terminal_phone, max(unit_code) AS unit_code FROM lake.main.mk_vehicle GROUP BY ALL)
    USING (terminal_phone)
GROUP BY GROUPING SETS ((unit_code), ());
-- name: MUK-03
WITH step AS (
    SELECT terminal_phone, lon_wgs84, epoch_ms(ts) - epoch_ms(lag(ts) OVER w) AS gap_ms,
           111320 * sqrt(((lon_wgs84 - lag(lon_wgs84) OVER w) * cos(radians(lat_wgs84))) ** 2
                         + (lat_wgs84 - lag(lat_wgs84) OVER w) ** 2) AS metres
    FROM lake.main.mk_position WHERE service_day = $day
    WINDOW w AS (PARTITION BY terminal_phone ORDER BY ts, lon, lat)
), track AS (
    SELECT terminal_phone, count(lon_wgs84) AS located, count_if(metres > 50 AND metres * 3600 > 120 * gap_ms) AS drift
    FROM step GROUP BY ALL
)
SELECT CASE WHEN grouping(unit_code) = 0 THEN 'territory' ELSE 'county' END, unit_code, sum(drift), sum(located)
FROM track LEFT JOIN (SELECT terminal_phone, max(unit_code) AS unit_code FROM lake.main.mk_vehicle GROUP BY ALL)
    USING (terminal_phone)
GROUP BY GROUPING SETS ((unit_code), ());
-- name: HEA-03
WITH step AS (
    SELECT station_id, service_day, heat_gj - lag(heat_gj) OVER (PARTITION BY station_id ORDER BY ts) AS step_gj
    FROM lake.main.heat_station WHERE service_day BETWEEN $day - 1 AND $day AND heat_gj IS NOT NULL
), used AS (
    SELECT station_id, sum(step_gj) AS used_gj FROM step WHERE service_day = $day AND step_gj >= 0 GROUP BY ALL
)
SELECT CASE WHEN grouping(unit_code) = 0 THEN 'territory' WHEN grouping(station_id) = 0 THEN 'station' ELSE 'county' END,
       coalesce(unit_code, station_id), sum(used_gj), sum(heated_area_m2) FILTER (used_gj IS NOT NULL)
FROM lake.main.heat_station_info LEFT JOIN used USING (station_id) WHERE heated_area_m2 > 0
GROUP BY GROUPING SETS ((unit_code), (station_id), ());
-- name: DST-06
WITH site_hour AS (
    SELECT mn, hour(ts) AS h, avg(pm10_ugm3) AS pm10 FROM lake.main.dust_sample
    WHERE service_day = $day AND kind = 'min' AND flag = 'N' AND pm25_ugm3 BETWEEN 0 AND pm10_ugm3
      AND pm10_ugm3 <= tsp_ugm3
    GROUP BY ALL HAVING count(*) >= 45 AND min(pm10_ugm3) < max(pm10_ugm3)
), site AS (
    SELECT mn, count(*) AS valid_hours, count_if(pm10 > 150) AS over_hours FROM site_hour GROUP BY ALL
)
SELECT CASE WHEN grouping(unit_code) = 0 THEN 'territory' WHEN grouping(mn) = 0 THEN 'site'
            WHEN grouping(builder) = 0 THEN 'company' ELSE 'county' END,
       coalesce(unit_code, mn, builder), sum(over_hours), sum(valid_hours)
FROM lake.main.dust_site LEFT JOIN site USING (mn) WHERE status = 'active'
GROUP BY GROUPING SETS ((unit_code), (mn), (builder), ());
-- name: GAS-01
WITH judged AS (
    SELECT p.point_id, p.unit_code, count(r.kpa) FILTER (r.kpa BETWEEN p.low_kpa AND p.high_kpa) AS good,
           count(r.kpa) AS readings
    FROM lake.main.gas_point p LEFT JOIN lake.main.gas_pressure r ON r.point_id = p.point_id AND r.service_day = $day
    GROUP BY ALL
)
SELECT CASE WHEN grouping(unit_code) = 0 THEN 'territory' WHEN grouping(point_id) = 0 THEN 'point' ELSE 'county' END,
       coalesce(unit_code, point_id), sum(good), sum(readings)
FROM judged GROUP BY GROUPING SETS ((unit_code), (point_id), ());
