-- Bonus and deduction records with the three dates that a switch chooses from. occurred_on is read through JSON
-- because the sheet need not have that column.
WITH dated AS (
    SELECT event_id, rule, level, unit, count, decided_on, service_day AS reported_on,
           TRY_CAST(json_extract_string(to_json(e), '$.occurred_on') AS DATE) AS occurred_on, evidence, note
    FROM manual_event AS e
)
SELECT *
FROM dated
WHERE (decided_on >= getvariable('month_first') AND decided_on < getvariable('month_end'))
   OR (reported_on >= getvariable('month_first') AND reported_on < getvariable('month_end'))
   OR (occurred_on >= getvariable('month_first') AND occurred_on < getvariable('month_end'))
ORDER BY event_id, rule, level
