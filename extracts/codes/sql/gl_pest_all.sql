-- Pests, all of them: the table is one kind of thing.
SELECT '*' AS value, NULL AS kind, count(*) AS row_count, max(CAST(found_at AS DATE)) AS last_day
FROM gl_pest
HAVING count(*) > 0
