-- Alarms of full bins, all of them: the table is one kind of thing.
SELECT '*' AS value, NULL AS kind, count(*) AS row_count, max(CAST(raised_at AS DATE)) AS last_day
FROM san_bin_alarm
HAVING count(*) > 0
