-- When each device's readings of this day's deliveries begin and end, whatever day they say: a clock that is hours
-- off moves both ends. Only devices that report much as the others do can be compared.
WITH said AS (
    SELECT hash({device}) AS d, count(*) AS n, epoch(min({at})) AS first_s, epoch(max({at})) AS last_s
    FROM {table}
    WHERE service_day BETWEEN $before AND $after AND list_contains($loads, _load_id)
    GROUP BY ALL
), usual AS (
    SELECT count(*) AS devices, median(n) AS n, median(first_s) AS first_s, median(last_s) AS last_s FROM said
), moved AS (
    SELECT s.d, s.first_s - u.first_s AS first_moved, s.last_s - u.last_s AS last_moved, s.n / u.n AS share, u.devices
    FROM said AS s CROSS JOIN usual AS u
)
SELECT d, round((first_moved + last_moved) / 7200)::INTEGER AS hours
FROM moved
WHERE devices >= $least AND share > 0.5 AND abs(first_moved - last_moved) < 3600 AND abs(first_moved) BETWEEN 5400 AND 54000
  AND (SELECT count(*) FILTER (abs(first_moved) < 1800 AND abs(last_moved) < 1800) FROM moved) >= 0.8 * devices
ORDER BY d
