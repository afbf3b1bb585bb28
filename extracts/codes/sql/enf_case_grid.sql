-- Unit grids that cases carry, with the last day that each was used on.
SELECT grid_id AS value, NULL AS kind, count(*) AS row_count, max(CAST(reported_at AS DATE)) AS last_day
FROM enf_case
WHERE grid_id IS NOT NULL
GROUP BY ALL
ORDER BY ALL
