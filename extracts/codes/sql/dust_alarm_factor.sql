-- What dust alarms are about, with the last day that each was used on.
SELECT factor AS value, NULL AS kind, count(*) AS row_count, max(CAST(raised_at AS DATE)) AS last_day
FROM dust_alarm
WHERE factor IS NOT NULL
GROUP BY ALL
ORDER BY ALL
