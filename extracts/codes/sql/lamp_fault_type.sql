-- Kinds of lamp faults, with the last day that each was used on.
SELECT "type" AS value, NULL AS kind, count(*) AS row_count, max(CAST(reported_at AS DATE)) AS last_day
FROM lamp_fault
WHERE "type" IS NOT NULL
GROUP BY ALL
ORDER BY ALL
