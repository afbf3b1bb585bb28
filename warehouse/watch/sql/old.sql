-- Readings of this day's deliveries that say a year or more ago: a clock that was never set, or set back.
SELECT hash({device}) AS d, count(*) AS n, min({at}) AS says
FROM {table}
WHERE service_day < $before AND list_contains($loads, _load_id)
GROUP BY ALL
ORDER BY n DESC
