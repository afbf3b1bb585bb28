-- Identifiers of parts in the register of municipal assets; a register is of the day that is asked for.
SELECT code AS value, 'part' AS kind, count(*) AS row_count, NULL AS last_day
FROM mun_asset
WHERE code IS NOT NULL
GROUP BY ALL
ORDER BY ALL
