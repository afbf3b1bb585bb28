-- Bursts, all of them: the table is one kind of thing.
SELECT '*' AS value, NULL AS kind, count(*) AS row_count, max(CAST(reported_at AS DATE)) AS last_day
FROM wtr_burst
HAVING count(*) > 0
