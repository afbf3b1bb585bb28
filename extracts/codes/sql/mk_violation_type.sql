-- Kinds of violations of muck trucks, with the last day that each was used on.
SELECT "type" AS value, NULL AS kind, count(*) AS row_count, max(CAST(ts AS DATE)) AS last_day
FROM mk_violation
WHERE "type" IS NOT NULL
GROUP BY ALL
ORDER BY ALL
