-- The twelve months before, for counters through the year: final score, score before events, points of events.
WITH points AS (
    SELECT period, unit_code,
           SUM(CASE WHEN component NOT LIKE '%.%' AND component <> 'events' THEN points END) AS raw,
           SUM(CASE WHEN component = 'events' THEN value END) AS event_points
    FROM score
    WHERE scheme = getvariable('scheme')
    GROUP BY period, unit_code
)
SELECT r.period, r.league, r.unit_code, r.score, p.raw, p.event_points, r.state
FROM ranking AS r
LEFT JOIN points AS p ON p.period = r.period AND p.unit_code = r.unit_code
WHERE r.scheme = getvariable('scheme') AND r.score IS NOT NULL
  AND r.period >= getvariable('rolling_first') AND r.period < getvariable('month')
ORDER BY r.period, r.unit_code
