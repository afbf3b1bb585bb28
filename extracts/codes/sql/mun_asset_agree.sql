-- What an asset is in our words and by its identifier, one after the other; a register is of the day that is asked for.
SELECT "class" || ' ' || code AS value, 'part' AS kind, count(*) AS row_count, NULL AS last_day
FROM mun_asset
WHERE "class" IS NOT NULL AND code IS NOT NULL
GROUP BY ALL
ORDER BY ALL
