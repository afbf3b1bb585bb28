-- Classes that cases carry, with the last day that each was used on.
SELECT class_code AS value, kind, count(*) AS row_count, max(CAST(reported_at AS DATE)) AS last_day
FROM enf_case
WHERE class_code IS NOT NULL
GROUP BY ALL
ORDER BY ALL
