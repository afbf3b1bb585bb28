-- Lamps, all of them: the table is one kind of thing. A register is of the day that is asked for.
SELECT '*' AS value, NULL AS kind, count(*) AS row_count, NULL AS last_day
FROM lamp
HAVING count(*) > 0
