-- MUK-08 is the credit score; its values for companies are what the credit platform asks for.
WITH named AS (
    SELECT v.*, TRY_CAST(json_extract_string(i.target, '$.blacklist_below') AS DOUBLE) AS blacklist_below
    FROM indicator_value AS v
    JOIN indicator AS i ON i.code = v.code
    WHERE v.code = 'MUK-08' AND starts_with(v.unit_code, 'company:')
)
SELECT period, unit_code AS unit, substr(unit_code, length('company:') + 1) AS company, period_kind, value AS points,
       blacklist_below, value < blacklist_below AS blacklisted, state, reason, coverage AS completeness
FROM named
