-- What municipal events are about, with the last day that each was used on.
SELECT "class" AS value, NULL AS kind, count(*) AS row_count, max(CAST(found_at AS DATE)) AS last_day
FROM mun_event
WHERE "class" IS NOT NULL
GROUP BY ALL
ORDER BY ALL
