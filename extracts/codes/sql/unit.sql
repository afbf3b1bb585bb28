-- Our units, all of them: each needs a code that an upper level knows.
SELECT unit_code AS value, kind, 1 AS row_count, NULL AS last_day
FROM unit
ORDER BY ALL
