-- Kinds of municipal assets; a register is of the day that is asked for.
SELECT "class" AS value, NULL AS kind, count(*) AS row_count, NULL AS last_day
FROM mun_asset
WHERE "class" IS NOT NULL
GROUP BY ALL
ORDER BY ALL
